"""Finding tracks, artists and playlists by what people type."""
