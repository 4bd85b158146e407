"""From a source of playlists to a measured bundle."""
