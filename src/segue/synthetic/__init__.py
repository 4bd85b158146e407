"""The shipped sample, and the generator of any number of playlists."""
