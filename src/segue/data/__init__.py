"""Playlists from outside: reading them, the types that hold them, the shipped sample."""
