"""Playlists from outside: reading them, and the types that hold them."""
