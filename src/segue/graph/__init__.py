"""The typed graph of playlists, tracks and artists, and what is cut from it."""
