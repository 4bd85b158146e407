"""Evaluation: every metric, by full ranking over every track."""
