"""Recommending from a bundle: arrays and dot products, no torch."""
