"""The RecSys Challenge 2018 on any playlists: challenge sets, submissions and their scores."""
