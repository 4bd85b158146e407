"""The web service: a bundle over HTTP, and the page; no torch."""
