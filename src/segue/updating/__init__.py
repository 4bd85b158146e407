"""Adding new music to a trained bundle."""
