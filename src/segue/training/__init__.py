"""Training: losses, checkpoints and one visible loop."""
