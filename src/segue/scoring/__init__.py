"""What a score is made of, and the best tracks by it; no torch."""
