"""The shipped sample, and the generator of playlists of any number."""
