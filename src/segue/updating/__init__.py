"""New music in a trained bundle; no torch."""
