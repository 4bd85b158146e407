"""Recommenders in closed form and by neighbours, to compare with, and their tuning."""
