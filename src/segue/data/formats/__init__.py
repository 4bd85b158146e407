"""Readers: one small module for each form that playlists come in."""
