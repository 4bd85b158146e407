/** What the search box suggests for a text: songs, artists, playlists, or what a link names. */

import { details, find, hasTitles } from "./api.js";
import { pastedLink } from "./links.js";
import { pickOf, titlePick } from "./state.js";
import { counted } from "./parts.js";

const ALBUM = "Albums are not found by link; search for its songs.";
const PLAYLIST = "Nothing is loaded from Spotify. In its desktop app, select the songs of the "
  + "playlist, copy them and paste them here.";

/**
 * Suggestions as { groups: [{ name, options: [{ pick, aside }] }], note }; the note is shown above
 * them, or instead of them.
 */
export async function suggestions(text, signal) {
  const link = pastedLink(text);
  if (link) return ofLink(link, signal);
  const [{ tracks, artists, playlists, similar }, titles] =
    await Promise.all([find(text, signal), hasTitles()]);
  const groups = [
    { name: "Songs", options: tracks.map((said) => option("track", said, said.album_name)) },
    { name: "Artists", options: artists.slice(0, 3).map((said) => sized("artist", said)) },
    { name: "Playlists", options: playlists.slice(0, 3).map((said) => sized("playlist", said)) },
  ];
  // Many who type an artist's name want the artist, which would otherwise be below six songs.
  if (starts(artists[0]?.name, text) && !starts(tracks[0]?.name, text))
    groups.unshift(...groups.splice(1, 1));
  if (titles)
    groups.push({ name: "Playlists called", options: [{ pick: titlePick(text), aside: "" }] });
  const shown = groups.filter(({ options }) => options.length);
  const nothing = `No matches for “${text}”.`;
  if (!shown.length) return { groups: [], note: nothing };
  const none = !tracks.length && !artists.length && !playlists.length;
  return { groups: shown, note: similar ? `${nothing} Did you mean:` : none ? nothing : "" };
}

const option = (type, said, aside) => ({ pick: pickOf(type, said), aside: aside ?? "" });
const sized = (type, said) =>
  option(type, { ...said, name: said.name ?? said.title }, counted(said.num_tracks, "song"));

async function ofLink({ type, id }, signal) {
  if (type === "album") return { groups: [], note: ALBUM };
  if (type === "playlist") return { groups: [], note: PLAYLIST };
  const kind = { track: "song", artist: "artist" }[type];
  if (!kind) return { groups: [], note: "A link to a song or an artist is needed." };
  try {
    const said = await details(type, id, signal);
    return { groups: [{ name: "From the link", options: [option(type, said, "")] }], note: "" };
  } catch (error) {
    if (error.status !== 404) throw error;
    return { groups: [], note: `The ${kind} of this link is not in the music here.` };
  }
}

const plain = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();

function starts(name, text) {
  return plain(name ?? "").startsWith(plain(text));
}
