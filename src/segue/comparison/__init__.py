"""The comparison of architectures: its grid, its cells, its report."""
