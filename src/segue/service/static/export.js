/** A playlist as files and text for elsewhere; nothing here touches the page. */

/** One playlist as a slice of the Million Playlist Dataset; `segue build` reads it. */
export function toMpd(name, tracks) {
  const playlist = {
    name,
    collaborative: "false",
    pid: 0,
    modified_at: Math.floor(Date.now() / 86_400_000) * 86_400,
    num_tracks: tracks.length,
    num_albums: new Set(tracks.map((track) => track.album_id).filter(Boolean)).size,
    num_artists: new Set(tracks.map((track) => track.artist_id).filter(Boolean)).size,
    num_followers: 0,
    tracks: tracks.map((track, pos) => ({
      pos,
      artist_name: track.artist_name ?? "",
      track_uri: track.id,
      artist_uri: track.artist_id ?? "",
      track_name: track.name,
      album_uri: track.album_id || null,
      album_name: track.album_name ?? "",
    })),
  };
  const info = { generated_by: "Segue", slice: "0-0", version: "v1" };
  return `${JSON.stringify({ info, playlists: [playlist] }, null, 1)}\n`;
}

/** A CSV table with a header row (RFC 4180). */
export function toCsv(tracks) {
  const rows = tracks.map((track, at) =>
    [at + 1, track.id, track.name, track.artist_name, track.album_name]);
  const table = [["position", "uri", "track", "artist", "album"], ...rows];
  return table.map((row) => `${row.map(cell).join(",")}\r\n`).join("");
}

/** A cell; anything that a spreadsheet would take for a formula gets a leading apostrophe. */
function cell(value) {
  const text = String(value ?? "");
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

export const toUris = (tracks) => tracks.map((track) => track.id).join("\n");

/** A file name from the name of a playlist: letters and digits of any script. */
export function fileName(name, ending) {
  const plain = name.normalize("NFKC").replace(/[^\p{L}\p{N}]+/gu, "-").replace(/^-+|-+$/g, "");
  return `${plain.slice(0, 60).toLowerCase() || "playlist"}.${ending}`;
}

export function download(name, type, content) {
  // Excel reads a CSV as UTF-8 only with a byte order mark.
  const parts = type === "text/csv" ? ["\ufeff", content] : [content];
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob(parts, { type: `${type};charset=utf-8` }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
