"""The typed graph of playlists, tracks and artists, and its parts: k-core, splits, subgraphs."""
