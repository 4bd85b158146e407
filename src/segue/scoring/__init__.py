"""The terms of a score, and the best tracks by it."""
