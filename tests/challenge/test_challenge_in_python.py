"""`segue.challenge` as people import it: four functions, whose examples run."""

import doctest
import inspect
import shutil

import pytest

import segue
from segue import challenge
from segue.errors import InputError

VERBS = ("make", "submit", "check", "score")
TEAM = {"team": "us", "email": "us@example.com"}


@pytest.fixture
def folder(source, made, of_training, tmp_path, monkeypatch):
    """Where the examples run: a source, a challenge, a bundle and a submission."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(source, "playlists")
    shutil.copytree(made, "challenge")
    of_training.save("bundle")
    challenge.submit(segue.load("bundle"), "challenge", "submission.csv.gz", **TEAM)
    return tmp_path


def test_the_verbs_are_those_of_the_command_line():
    from segue.cli.challenge import challenge as group

    assert tuple(group.commands) == VERBS
    assert {*VERBS} <= {*challenge.__all__}


@pytest.mark.parametrize("verb", VERBS)
def test_each_has_an_example_that_runs(verb, folder):
    example = doctest.DocTestParser().get_doctest(
        inspect.getdoc(getattr(challenge, verb)),
        {"segue": segue, "recommender": segue.load("bundle")},
        verb,
        None,
        None,
    )
    assert example.examples
    said: list[str] = []
    assert doctest.DocTestRunner().run(example, out=said.append).failed == 0, "".join(said)


def test_files_and_what_was_read_of_them_are_the_same(folder):
    """A set is its JSON file, the folder, or the playlists read."""
    asked = challenge.read_challenge_set("challenge/challenge_set.json")
    for given in ("challenge", "challenge/challenge_set.json", asked):
        assert challenge.check("submission.csv.gz", given) == []
        challenge.submit(segue.load("bundle"), given, folder / "again.csv.gz", **TEAM)
        again = (folder / "again.csv.gz").read_bytes()
        assert again == (folder / "submission.csv.gz").read_bytes()
    read = challenge.read_challenge("challenge")
    assert challenge.score("submission.csv.gz", read) == challenge.score(
        "submission.csv.gz", "challenge"
    )


def test_a_score_without_answers_is_refused(folder):
    with pytest.raises(InputError, match="is not a folder, expected one from `segue challenge"):
        challenge.score("submission.csv.gz", "challenge/challenge_set.json")
