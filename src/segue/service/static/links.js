/** Links to other places: to listen to a song, and what a pasted link names. */

const SPOTIFY = /^spotify:(track|artist|album|playlist):([A-Za-z0-9]+)$/;
const PASTED = /^(?:https?:\/\/open\.spotify\.com\/(?:intl-[a-z-]+\/)?|spotify:)([a-z]+)[/:]([A-Za-z0-9]{22})\b/;

/**
 * Where a song can be heard or an artist is found: on Spotify where the id is Spotify's, else a
 * search. Nothing is loaded from there; a person opens it.
 */
export function listenPage({ type, id, name, artist_name: artist = "" }) {
  const [, kind, key] = SPOTIFY.exec(id) ?? [];
  if (kind === type) return { where: "Spotify", href: `https://open.spotify.com/${kind}/${key}` };
  const words = new URLSearchParams({ search_query: `${name} ${artist}`.trim() });
  return { where: "YouTube", href: `https://www.youtube.com/results?${words}` };
}

/** What a link or URI of Spotify names, as { type, id }; null for any other text. */
export function pastedLink(text) {
  const [, type, key] = PASTED.exec(text.trim()) ?? [];
  return type ? { type, id: `spotify:${type}:${key}` } : null;
}
