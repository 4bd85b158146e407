"""Evaluation: every metric by full ranking, and the baselines to stand beside."""
