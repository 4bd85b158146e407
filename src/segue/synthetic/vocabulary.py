"""Words that playlists are made of: genres, moods, and what their titles look like."""

from __future__ import annotations

# fmt: off
# Each genre with others that its listeners also like.
GENRES = {
    "african": ("reggae", "latin", "arabic", "blues"), "alternative": ("rock", "indie", "punk"),
    "ambient & score": ("electronic", "jazz"), "arabic": ("african", "european pop"),
    "blues": ("rock", "soul", "jazz"), "country": ("folk", "rock"),
    "east asian pop": ("pop", "r&b", "electronic"), "electronic": ("pop", "indie", "funk & disco"),
    "european pop": ("pop", "folk", "electronic"), "folk": ("country", "indie", "rock"),
    "funk & disco": ("soul", "electronic", "pop"), "hip hop": ("r&b", "funk & disco", "reggae"),
    "indie": ("alternative", "folk", "electronic"), "jazz": ("blues", "soul", "latin"),
    "latin": ("pop", "reggae", "jazz"), "metal": ("rock", "punk", "alternative"),
    "pop": ("r&b", "funk & disco", "electronic"), "punk": ("alternative", "metal", "reggae"),
    "r&b": ("soul", "hip hop", "pop"), "reggae": ("hip hop", "african", "latin"),
    "rock": ("alternative", "blues", "metal", "folk"), "soul": ("r&b", "funk & disco", "blues"),
}
# Each mood with titles of such playlists.
MOODS = {
    "angry": ("angry", "rage", "scream it out", "mad", "bad day"),
    "calm": ("Chill", "chill", "study", "relax", "Sunday morning", "coffee", "sleep"),
    "defiant": ("fight songs", "attitude", "rebel", "not today", "badass"),
    "dreamy": ("dreamy", "late night drive", "night", "floating", "sleep", "stargazing"),
    "energetic": ("workout", "gym", "running", "Pump Up", "energy", "workout 2"),
    "happy": ("happy", "good vibes", "feel good", "sunshine", "Summer", "good mood"),
    "melancholy": ("sad songs", "sad", "in my feelings", "rainy day", "heartbreak", "3am"),
    "nostalgic": ("throwback", "Throwbacks", "nostalgia", "memories", "the good old days", "tbt"),
    "party": ("party", "kitchen disco", "friday night", "dance", "house party", "pregame"),
    "romantic": ("love songs", "love", "date night", "wedding", "slow dance", "romance"),
}
# What people call a genre or sub-genre if not by its name; also in their own language.
CALLED = {
    "adult pop": ("soft pop", "pop ballads"), "ambient & score": ("instrumental", "soundtrack"),
    "bossa nova": ("bossa nova", "música brasileira"), "chanson": ("chanson", "chanson française"),
    "city pop": ("city pop", "シティポップ"), "classic arabic": ("طرب", "أغاني قديمة"),
    "arabic": ("arabic", "أغاني عربية"), "conscious": ("conscious rap",), "hip hop": ("rap",),
    "east asian pop": ("k-pop & j-pop", "asian pop"), "european pop": ("euro pop", "europop"),
    "funk & disco": ("funk", "disco", "funk & disco"), "golden age": ("old school hip hop",),
    "italian pop": ("italian", "musica italiana"), "j-pop": ("j-pop", "邦楽", "Jポップ"),
    "k-pop": ("kpop", "k-pop", "케이팝"), "latin pop": ("latin pop", "música latina"),
    "modern arabic": ("arabic pop", "عربي"), "modern rap": ("rap", "trap"),
    "reggaeton": ("reggaeton", "perreo", "reggaetón"), "schlager": ("Schlager", "deutsche Musik"),
    "rock en español": ("rock en español", "rock en tu idioma"), "salsa": ("salsa", "para bailar"),
    "russian rock": ("русский рок", "russian rock"), "southern": ("southern rap", "dirty south"),
    "west coast": ("west coast rap", "west coast"),
}
# The kinds of playlists: how frequent each is, and what its titles look like.
KINDS = {
    "genre": 0.17, "subgenre": 0.15, "mood": 0.1, "mood genre": 0.1, "era": 0.09, "era genre": 0.08,
    "artist": 0.12, "mixed": 0.19,
}
TITLES = {
    "genre": ("{music}", "{music}", "{music} mix", "{music} favorites", "best of {music}",
              "{music} playlist", "{music} vibes", "just {music}"),
    "mood": ("{mood}",),
    "mood genre": ("{mood} {music}", "{mood} {music}", "{mood} ({music})"),
    "era": ("{years}", "{years}", "the {years}", "{years} music", "{years} hits",
            "best of the {years}", "{years} throwback"),
    "era genre": ("{years} {music}", "{years} {music}", "{years} {music} mix",
                  "best {years} {music}", "{years} {music} throwback"),
    "artist": ("{artist}", "{artist}", "{artist}", "best of {artist}", "{artist} & more",
               "{artist} mix", "Essential {artist}", "like {artist}"),
    "mixed": ("road trip", "Road Trip", "favorites", "my music", "everything", "on repeat", "car",
              "random", "jams", "shower", "work", "cooking", "bangers", "My Playlist", "stuff",
              "new", "summer 2017", "drive", "good stuff", "music", "old and new", "weekend"),
}
EMOJI = ("🔥", "❤️", "✨", "🎶", "☀️")
# fmt: on
