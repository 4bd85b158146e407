"""Names for ids of tracks from a second table: stated, and as data sets are downloaded."""

import io
import zipfile

import pandas as pd
import pytest

from segue.data.reading import find, read
from segue.errors import InputError

RATINGS = "userId,movieId,rating,timestamp\n1,1,4.0,964982703\n1,3,4.0,964981247\n2,3,1,9\n"
MOVIES = 'movieId,title,genres\n1,Toy Story (1995),Animation\n3,"Suspects, The (1995)",Crime\n'
NAMES = ["Toy Story (1995)", "Suspects, The (1995)"]


def names(found) -> list[str]:
    return found.catalog.track_names.to_pylist()


class TestStated:
    def test_a_table_of_ids_and_names(self, tmp_path):
        (tmp_path / "ratings.csv").write_text(RATINGS)
        (tmp_path / "titles.csv").write_text(MOVIES + "3,a second row,\n9,not rated,\n")
        found = read(tmp_path / "ratings.csv", names=tmp_path / "titles.csv")
        assert names(found) == NAMES
        assert (found.report.named, found.catalog.num_tracks) == (2, 2)
        frame = pd.DataFrame({"user_id": [1, 1], "item_id": [3, 7]})
        assert names(read(frame, names=tmp_path / "titles.csv")) == ["Suspects, The (1995)", "7"]

    def test_artists_and_identifiers(self, tmp_path):
        pd.DataFrame(
            {
                "song_id": ["s1", "s2"],
                "name": ["Red", "Tupelo"],
                "artist_name": ["Cave", None],
                "isrc": ["GBUM71029604", None],
            }
        ).to_parquet(tmp_path / "songs.parquet")
        triplets = io.StringIO("msno,song_id,target\na,s1,1\na,s2,1\n")
        found = read(triplets, names=tmp_path / "songs.parquet")
        assert names(found) == ["Red", "Tupelo"]
        assert found.catalog.artists.names.to_pylist() == ["Cave"]
        assert found.catalog.main_artist.tolist() == [0, -1]
        assert found.catalog.nodes["track"].aliases.to_pylist() == [["isrc:GBUM71029604"], []]

    def test_of_the_million_song_dataset(self, tmp_path):
        song = "SOBONKR12A58A7A7E0"
        (tmp_path / "unique_tracks.txt").write_text(
            f"TRMMMYQ128F932D901<SEP>{song}<SEP>Faster Pussy cat<SEP>Silent Night\n"
        )
        found = read(io.StringIO(f"u1\t{song}\t3\n"), names=tmp_path / "unique_tracks.txt")
        assert names(found) == ["Silent Night"]
        assert found.catalog.artists.names.to_pylist() == ["Faster Pussy cat"]

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("a,b\n1,2\n", None),
            ("movieId,genres\n1,x\n", "no columns recognised as ids and names of tracks"),
            ("movieId,title\n1\n", "line 2: has 1 cell, expected 2"),
        ],
    )
    def test_what_is_none(self, tmp_path, text, message):
        (tmp_path / "m.csv").write_text(text)
        if message is None:  # two columns without a header: an id and a name
            assert names(read(io.StringIO(RATINGS), names=tmp_path / "m.csv")) == ["2", "3"]
            return
        with pytest.raises(InputError, match=message):
            read(io.StringIO(RATINGS), names=tmp_path / "m.csv")

    def test_nothing_there(self, tmp_path):
        with pytest.raises(InputError, match="no such file"):
            find(io.StringIO(RATINGS), names=tmp_path / "none.csv")


class TestAsDownloaded:
    FILES = {  # noqa: RUF012
        "ml-latest-small": {
            "ratings.csv": RATINGS, "movies.csv": MOVIES,
            "links.csv": "movieId,imdbId,tmdbId\n1,1,1\n3,2,2\n",
            "tags.csv": "userId,movieId,tag,timestamp\n1,1,funny,1\n", "README.txt": "Summary\n=\n",
        },
        "ml-1m": {
            "ratings.dat": "1::1::5::978300760\n1::3::3::978302109\n",
            "movies.dat": "1::Toy Story (1995)::Animation\n3::Suspects, The (1995)::Crime\n"
            "7::J\xe4mes :: x::y\n",
            "users.dat": "1::F::1::10::48067\n",
        },
        "ml-100k": {
            "u.data": "1\t1\t5\t881250949\n1\t3\t3\t891717742\n",
            "u.item": "1|Toy Story (1995)|01-Jan-1995||http://x|0\n3|Suspects, The (1995)|||h|1\n",
            "u.user": "1|24|M|technician|85711\n",
        },
        "songs": {
            "train.csv": "msno,song_id,target\na,1,1\na,3,0\n",
            "songs.csv": 'song_id,name\n1,Toy Story (1995)\n3,"Suspects, The (1995)"\n',
        },
    }  # fmt: skip

    @pytest.mark.parametrize("name", FILES)
    @pytest.mark.parametrize("packed", [True, False])
    def test_names_lie_beside(self, tmp_path, name, packed):
        source = tmp_path / (f"{name}.zip" if packed else name)
        if packed:
            with zipfile.ZipFile(source, "w") as archive:
                for file, text in self.FILES[name].items():
                    archive.writestr(f"{name}/{file}", text.encode("latin-1"))
        else:
            source.mkdir()
            for file, text in self.FILES[name].items():
                (source / file).write_bytes(text.encode("latin-1"))
        found = read(source)
        assert names(found) == NAMES
        assert found.report.files == 1
        assert found.report.passed_over == len(self.FILES[name]) - 2

    def test_tables_of_playlists_are_not_taken_for_others(self, tmp_path):
        (tmp_path / "a.csv").write_text("pid,track_id,artist\n1,a,x\n")
        (tmp_path / "b.csv").write_text("list,track_id,artist\n1,a,x\n2,a,x\n")
        with pytest.raises(InputError, match=r"b\.csv: has no column recognised as the playlist"):
            read(tmp_path)
