"""Songs that a list holds twice."""

from segue.recommend.versions import Duplicate, Named, duplicates


def test_copies_and_versions():
    songs = [
        Named("The Beatles", "Help! - Remastered 2009", 4, 10),
        Named("The Beatles", "Help!", 5, 900),
        Named("Beatles", "Help! (Live at the BBC)", 6, 5),
        Named("Bananarama", "Help!", 7, 50),
        Named("The Beatles", "Yesterday", 8, 900),
        Named("The Beatles", "Help! (Live at the BBC)", 9, 2),
    ]
    assert duplicates(songs) == (
        Duplicate(1, 2, "same"),
        Duplicate(3, 2, "version"),
        Duplicate(6, 3, "same"),
    )


def test_the_plain_recording_stays_though_a_live_one_is_better_known():
    songs = [Named("Nirvana", "All Apologies - Live", 1, 900), Named("Nirvana", "All Apologies", 2)]
    assert duplicates(songs) == (Duplicate(1, 2, "version"),)


def test_of_equals_the_first_that_the_bundle_knows_stays():
    songs = [Named("A", "Song"), Named("A", "song", 3, 1), Named("A", "Song", 3, 1)]
    assert duplicates(songs) == (Duplicate(1, 2, "same"), Duplicate(3, 2, "same"))


def test_without_an_artist_only_the_very_same_is_the_same():
    songs = [Named("", "Intro", 1), Named("", "Intro", 2), Named("", "Intro", 1), Named("", "x")]
    assert duplicates(songs) == (Duplicate(3, 1, "same"),)
    assert duplicates([]) == ()
