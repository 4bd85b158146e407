"""Submissions: what `submit` writes keeps the rules, and every breach is found."""

import gzip
import json
import re
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from segue.challenge.answering import query_of_set, submit
from segue.challenge.challenge_set import (
    Given,
    Incomplete,
    read_challenge,
    read_challenge_set,
)
from segue.challenge.scoring import score
from segue.challenge.submission import check, read_submission
from segue.data.relations import Nodes
from segue.errors import InputError
from segue.recommend.recommender import Recommender
from segue.scoring.centroid import unit_rows

TEAM = {"team": "a team", "email": "team@example.com"}


@pytest.fixture(scope="module")
def recommender(of_training):
    return Recommender(of_training)


@pytest.fixture(scope="module")
def submitted(made, recommender, tmp_path_factory):
    path = tmp_path_factory.mktemp("submitted") / "submission.csv.gz"
    submit(recommender, read_challenge_set(made), path, **TEAM)
    return path


@pytest.fixture
def lines(submitted):
    return gzip.decompress(submitted.read_bytes()).decode().splitlines()


@pytest.fixture
def checked(made, tmp_path):
    """Checks changed lines, gzipped or not."""

    def found(lines: list[str], name: str = "changed.csv") -> list[str]:
        path = tmp_path / name
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return check(path, made)

    return found


def test_lists_are_those_of_the_recommender(made, recommender, lines):
    asked = read_challenge_set(made)
    assert lines[0] == "team_info, a team, team@example.com"
    assert len(lines) == 1 + len(asked)
    query, _ = query_of_set(recommender, asked, titles=False)
    assert not query.asks.any(), "all that follows is to be found, not what comes next"
    best, _ = recommender.rank(query, 500)
    ids = recommender.bundle.catalog.track_ids
    for row, (playlist, line) in enumerate(zip(asked, lines[1:], strict=True)):
        pid, *tracks = line.split(", ")
        assert int(pid) == playlist.pid
        assert tracks == [ids[int(track)].as_py() for track in best[row]]


def test_a_submission_keeps_the_rules_and_is_scored(made, submitted):
    challenge = read_challenge(made)
    assert check(submitted, challenge.asked) == []
    found = score(submitted, challenge)
    assert found.num_playlists["all"] == 30
    assert list(found.num_playlists) == [
        "title", "title + first 1", "title + first 5", "first 5", "title + first 10", "first 10",
        "title + first 25", "title + random 25", "title + first 100", "title + random 100", "all",
    ]  # fmt: skip
    for values in found.values.values():
        kinds = [values[kind]["ndcg"] for kind in values if kind != "all"]
        assert values["all"]["ndcg"] == pytest.approx(np.mean(kinds))


def test_a_submission_of_the_answers_is_perfect(made, of_training, tmp_path):
    challenge = read_challenge(made)
    all_tracks = of_training.catalog.track_ids.to_pylist()
    lines = ["team_info,me,me@example.com"]
    for playlist in challenge.asked:
        answer = [track.track_uri for track in challenge.answers[playlist.pid].tracks]
        rest = (t for t in all_tracks if t not in {*answer, *playlist.track_uris})
        tracks = [*answer, *(next(rest) for _ in range(500 - len(answer)))]
        lines.append(f"{playlist.pid},{','.join(tracks)}")
    path = tmp_path / "perfect.csv"
    path.write_text("\n".join(lines))
    found = score(path, challenge).values["rules"]
    assert found["all"] == pytest.approx({"r-precision": 1, "ndcg": 1, "clicks": 0})


def test_same_bytes_every_time(made, recommender, submitted, tmp_path):
    submit(recommender, read_challenge_set(made), tmp_path / "again.csv.gz", **TEAM)
    assert (tmp_path / "again.csv.gz").read_bytes() == submitted.read_bytes()


def test_comments_empty_lines_and_spaces_do_not_matter(lines, checked):
    spaced = ["# made by hand", "", *(line.replace(", ", " ,  ") for line in lines), "   ", "# end"]
    assert checked(spaced) == []


@pytest.mark.parametrize("team", ["team_info,main,us,us@example.com", "team_info,us,creative,u@e"])
def test_the_line_of_2018_is_taken(team, lines, checked):
    assert checked([team, *lines[1:]]) == []


def changed(lines, number, pattern, new):
    return [re.sub(pattern, new, line) if at == number else line for at, line in enumerate(lines)]


BREACHES = {
    "no team": (lambda lines: lines[1:], r"line 1: begins with '\d+', expected team_info"),
    "team without e-mail": (
        lambda lines: ["team_info, us", *lines[1:]],
        r"line 1: team_info has 2 fields, expected team_info, TEAM, EMAIL",
    ),
    "empty team": (
        lambda lines: ["team_info, , us@example.com", *lines[1:]],
        r"line 1: team_info has an empty field",
    ),
    "third field is no track of 2018": (
        lambda lines: ["team_info, big, us, us@example.com", *lines[1:]],
        r"line 1: team_info has 4 fields",
    ),
    "499 tracks": (
        lambda lines: changed(lines, 3, r", [^,]*$", ""),
        r"line 4: playlist \d+ has 499 tracks, expected 500",
    ),
    "501 tracks": (
        lambda lines: changed(lines, 3, r"$", ", spotify:track:" + 22 * "z"),
        r"line 4: playlist \d+ has 501 tracks",
    ),
    "a track twice": (
        lambda lines: changed(lines, 2, r", ([^,]*)(, [^,]*)$", r", \1, \1"),
        r"line 3: playlist \d+ has 499 distinct tracks, expected 500",
    ),
    "an empty track": (
        lambda lines: changed(lines, 2, r"(, [^,]*)$", ","),
        r"line 3: playlist \d+ has an empty track",
    ),
    "no URI": (
        lambda lines: changed(lines, 2, r"(, [^,]*)$", ", Yesterday"),
        r"line 3: playlist \d+ recommends 'Yesterday', which is not a spotify:track: URI",
    ),
    "a pid that is none": (
        lambda lines: changed(lines, 5, r"^\d+", "seven"),
        r"line 6: pid 'seven' is not a whole number",
    ),
    "a pid of another set": (
        lambda lines: changed(lines, 5, r"^\d+", "99999999"),
        r"line 6: the challenge set has no playlist 99999999",
    ),
    "a playlist twice": (
        lambda lines: [*lines, lines[4]],
        r"line 32: playlist \d+ has been answered before",
    ),
    "a playlist missing": (lambda lines: lines[:-1], r"playlist \d+ has no line"),
    "nothing": (lambda lines: [], r"the submission is empty, expected a first line team_info"),
}  # fmt: skip


@pytest.mark.parametrize("name", BREACHES)
def test_breach(name, lines, checked, made, tmp_path):
    change, sentence = BREACHES[name]
    found = checked(change(lines))
    assert re.match(sentence, found[0])
    with pytest.raises(InputError, match=r"changed.csv: is not a valid submission: "):
        score(tmp_path / "changed.csv", read_challenge(made))


def test_a_given_track_is_found(made, lines, checked):
    playlist = next(each for each in read_challenge_set(made) if len(each.tracks) == 5)
    number = next(n for n, line in enumerate(lines) if line.startswith(f"{playlist.pid},"))
    found = checked(changed(lines, number, r"[^, ]+$", playlist.tracks[3].track_uri))
    assert found == [
        f"line {number + 1}: playlist {playlist.pid} recommends "
        f"'{playlist.tracks[3].track_uri}', which the challenge set shows"
    ]


def test_every_breach_is_found(lines, checked):
    found = checked([*changed(lines, 3, r", [^,]*$", "")[:-2], "x", "y, z"])
    assert len(found) == 5  # 499 tracks, two pids, two playlists without a line


def test_a_cut_off_gzip(submitted, made, tmp_path):
    path = tmp_path / "cut.csv.gz"
    path.write_bytes(submitted.read_bytes()[:-2000])
    with pytest.raises(InputError, match=r"cut.csv.gz: the gzip is damaged or cut off after line"):
        check(path, read_challenge_set(made))
    path.write_bytes(b"\x1f\x8b" + b"no gzip at all")
    with pytest.raises(InputError, match="the gzip is damaged or cut off after line 0"):
        check(path, read_challenge_set(made))


def test_other_encodings_and_missing_files(lines, made, tmp_path):
    path = tmp_path / "wide.csv"
    path.write_bytes("\n".join(lines).encode("utf-16"))
    with pytest.raises(InputError, match="line 1 is not UTF-8 text"):
        check(path, read_challenge_set(made))
    with pytest.raises(InputError, match=r"no-such\.csv: cannot be read"):
        check(tmp_path / "no-such.csv", read_challenge_set(made))
    path.write_bytes(b"\xef\xbb\xbf" + "\n".join(lines).encode())
    assert check(path, read_challenge_set(made)) == []


def content(*playlists):
    return {"version": "v1", "playlists": list(playlists)}


def playlist(pid=7, num_samples=1, num_holdouts=3, num_tracks=4, pos=0, **other):
    tracks = [{"pos": pos, "track_uri": "spotify:track:x"}]
    return {
        "pid": pid, "num_samples": num_samples, "num_holdouts": num_holdouts,
        "num_tracks": num_tracks, "tracks": tracks, **other,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("written", "sentence"),
    [
        (content(playlist(), playlist()), "playlist 7 repeats, expected each pid once"),
        (content(), "contains no playlists"),
        (content(playlist(pos=4)), r"\[0\] \(pid 7\): has a track at pos 4, but num_tracks is 4"),
        (content(playlist(pos=-1)), r"is not a challenge set \(Expected `int` >= 0"),
        (content(playlist(num_samples=2)), "shows 1 tracks, but num_samples is 2"),
        (content(playlist(num_holdouts=9)), "num_samples 1 and num_holdouts 9 do not add up"),
        (content(playlist(pid="7")), r"is not a challenge set \(Expected `int`, got `str`"),
        ({"tracks": []}, "missing required field `playlists`"),
        ([1, 2], "Expected `object`, got `array`"),
    ],
)  # fmt: skip
def test_a_bad_challenge_set(written, sentence, tmp_path):
    path = tmp_path / "set.json"
    path.write_text(json.dumps(written))
    with pytest.raises(InputError, match=sentence):
        read_challenge_set(path)


@pytest.mark.parametrize(
    "contents", [b'{"playlists": [{"pid": 1', b"\xff\xfe{", b"", b"[" * 10_000]
)
def test_a_challenge_set_that_is_no_json(contents, tmp_path):
    path = tmp_path / "set.json"
    path.write_bytes(contents)
    with pytest.raises(InputError, match=r"set\.json: is not a challenge set") as error:
        read_challenge_set(path)
    assert len(str(error.value)) < 400


def test_answers_to_another_set_are_refused(made, tmp_path):
    folder = tmp_path / "mixed"
    folder.mkdir()
    for name in ("challenge_set.json", "answers.json", "artists.arrow"):
        (folder / name).write_bytes((made / name).read_bytes())
    answers = json.loads((folder / "answers.json").read_text())
    gone = answers["playlists"].pop()
    (folder / "answers.json").write_text(json.dumps(answers))
    with pytest.raises(InputError, match=f"no answer for playlist {gone['pid']}"):
        read_challenge(folder)


def test_a_set_of_other_music_is_answered(recommender, tmp_path):
    """As the real one: unknown tracks, repeated ones, positions that repeat."""
    asked = [
        Incomplete(1, [], 0, 20, 20, name="rock"),
        Incomplete(2, [Given(0, "spotify:track:unknown")], 1, 9, 10, name="x"),
        Incomplete(
            3,
            [Given(0, "spotify:track:unknown"), Given(0, f"spotify:track:{5:022d}")] * 2,
            4, 9, 13,
        ),
    ]  # fmt: skip
    path = tmp_path / "submission.csv.gz"
    done = submit(recommender, asked, path, **TEAM)
    assert (done.num_playlists, done.num_unknown, done.by_popularity) == (3, 2, 2)
    assert check(path, asked) == []


def test_too_few_tracks_are_refused(recommender, tmp_path):
    ids = recommender.bundle.catalog.track_ids.to_pylist()[:450]
    asked = [Incomplete(1, [Given(n, track) for n, track in enumerate(ids)], 450, 9, 459)]
    with pytest.raises(InputError, match=r"a catalogue of 900 tracks is too small"):
        submit(recommender, asked, tmp_path / "s.csv", **TEAM)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("name", "team", "email", "sentence"),
    [
        ("s.json", "us", "us@e", "a submission is a .csv.gz"),
        ("s.csv", "us, them", "us@e", "team 'us, them' cannot stand in a submission"),
        ("s.csv", "us", "us@e\nx", "e-mail address"),
        ("s.csv", "", "us@e", "team ''"),
    ],
)
def test_what_cannot_be_written(name, team, email, sentence, made, recommender, tmp_path):
    with pytest.raises(InputError, match=sentence):
        submit(recommender, read_challenge_set(made), tmp_path / name, team=team, email=email)
    assert not list(tmp_path.iterdir())


TRACKS = st.lists(st.integers(-3, 899), max_size=30)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(TRACKS, st.none() | st.text(max_size=9)), min_size=1, max_size=6))
def test_check_accepts_whatever_submit_writes(recommender, tmp_path, lists):
    asked = [
        Incomplete(
            pid,
            [Given(n, f"spotify:track:{row:022d}") for n, row in enumerate(rows)],
            len(rows),
            3,
            len(rows) + 3,
            name=title,
        )
        for pid, (rows, title) in enumerate(lists)
    ]
    path = tmp_path / "any.csv.gz"
    submit(recommender, asked, path, **TEAM)
    found: list[str] = []
    read = dict(read_submission(path, asked, found.append))
    assert found == []
    assert [len(read[pid]) for pid in range(len(asked))] == [500] * len(asked)


def test_titles_are_asked_with_where_the_bundle_has_words(made, of_training, tmp_path):
    words = pa.array(["songs", "for", "the", *map(str, range(9))])
    rng = np.random.default_rng(8)
    titled = replace(
        of_training,
        catalog=of_training.catalog.with_nodes("word", Nodes(words, words)),
        vectors={
            **of_training.vectors,
            "word": unit_rows(rng.normal(size=(len(words), 8)).astype(np.float32)),
        },
        word_weight=np.ones(len(words), dtype=np.float32),
        title_growth=np.zeros(1, dtype=np.float32),
        playlists=None,
    )
    asked = read_challenge_set(made)
    lists, by_popularity = {}, {}
    for titles in (True, False):
        path = tmp_path / f"{titles}.csv.gz"
        done = submit(Recommender(titled), asked, path, titles=titles, **TEAM)
        by_popularity[titles] = done.by_popularity
        lists[titles] = dict(read_submission(path, asked, pytest.fail))
    assert by_popularity == {True: 0, False: 3}
    for playlist in asked:
        same = lists[True][playlist.pid] == lists[False][playlist.pid]
        assert same is (playlist.name is None)
    # Each list is the one that the recommender gives to this title and these tracks.
    alone = next(playlist for playlist in asked if not playlist.tracks)
    found = Recommender(titled).vibe(title=alone.name, n=500)
    assert lists[True][alone.pid] == [track.track_id for track in found.tracks]
