"""The RecSys Challenge 2018 on any playlists: `make`, `submit`, `check`, `score`.

The same four verbs as on the command line::

    from segue import challenge

    challenge.make("playlists", "challenge", per_kind=100)
    # Build and train on challenge/training alone.
    challenge.submit(segue.load("bundle"), "challenge", "submission.csv.gz", team="us", email="u@e")
    challenge.check("submission.csv.gz", "challenge")
    challenge.score("submission.csv.gz", "challenge").values["organisers"]["all"]
"""

from segue.challenge.answering import Submitted, submit
from segue.challenge.challenge_set import read_challenge, read_challenge_set
from segue.challenge.making import Made, make
from segue.challenge.scoring import Scores, score
from segue.challenge.submission import check

__all__ = [
    "Made",
    "Scores",
    "Submitted",
    "check",
    "make",
    "read_challenge",
    "read_challenge_set",
    "score",
    "submit",
]
