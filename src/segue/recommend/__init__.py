"""Recommending from a bundle: arrays and a dot product, no torch."""
