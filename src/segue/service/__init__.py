"""The web service: a bundle that answers over HTTP, and the page on it; no torch."""
