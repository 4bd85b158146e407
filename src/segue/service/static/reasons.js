/** Why a song is in the list: one line, and behind it everything. */

import { aboutLink, element, quote, quoted } from "./parts.js";

const LEAST = 0.005; // parts below this say nothing

/** The reasons in one line, the most telling first; "" where there are none. */
export function inOneLine({ because = [], same_artist: sameArtist = [], playlists }, alone) {
  const titles = [...new Set((playlists ?? []).map(titleOf))].slice(0, 2).join(", ");
  const { kind, name } =
    because.find(({ kind, part }) => kind !== "popularity" && part > LEAST) ?? {};
  if (sameArtist.length) {
    const artist = `Same artist as ${quote(sameArtist.includes(name) ? name : sameArtist[0])}`;
    return titles ? `${artist} · in ${titles}` : artist;
  }
  if (kind === "word") return `In playlists called ${quote(name)}`;
  if (!titles) return name === undefined ? "" : `Goes with ${quote(name)}`;
  const held = playlists[0].track_names;
  return alone ? `Together in ${titles}` : `With ${quote(held.includes(name) ? name : held[0])} in ${titles}`;
}

/** All reasons; `most` is the largest part in the whole list, `about` shows a playlist. */
export function drawReasons(said, parent, most, about) {
  const { because = [], same_artist: sameArtist = [], playlists } = said;
  const parts = because.filter(({ part }) => part > LEAST);
  if (parts.length) {
    const list = element("ul", "parts", parent);
    list.setAttribute("aria-label", "Because of");
    for (const { kind, name, part } of parts) {
      const entry = element("li", "", list);
      const bar = element("span", "bar-of-part", entry);
      const share = Math.min(1, part / most);
      bar.style.setProperty("--part", share.toFixed(3));
      bar.setAttribute("aria-hidden", "true");
      const words = { popularity: "popularity", word: quote(name) }[kind] ?? (name || "(no name)");
      element("span", "part-name", entry, words).dir = "auto";
      element("span", "unseen", entry, ` ${Math.round(share * 100)} of 100`);
    }
  }
  if (sameArtist.length)
    element("p", "tie", parent, `Same artist as ${quoted(sameArtist)}`).dir = "auto";
  if (!playlists?.length) return;
  const mine = quoted([...new Set(playlists.flatMap((shared) => shared.track_names))]);
  const tie = element("p", "tie", parent, `Together with ${mine} in`);
  tie.dir = "auto";
  for (const shared of playlists) {
    tie.append(" ");
    const pick = { type: "playlist", id: shared.playlist_id, name: titleOf(shared) };
    aboutLink(pick, tie, about, "title").title = pick.name;
  }
}

const titleOf = ({ title, playlist_id: id }) => title || `playlist ${id}`;
