/** The window that takes a playlist along: as files, and as links to paste elsewhere. */

import { exported } from "./api.js";
import { showProblem } from "./problem.js";
import { byId, counted, element, textButton, toast } from "./parts.js";

// Said of formats that players want files in: this page knows nobody's.
const NO_FILES = "It names the songs, not your files: a player passes over what it cannot find. "
  + "“segue complete … --library FOLDER” names the files in your music folder.";
// The formats of the service, with what each is for.
const FORMATS = [
  ["m3u8", "M3U8", "music players, such as VLC, Kodi or foobar2000"],
  ["csv", "CSV", "spreadsheets, and services that move playlists"],
  ["xspf", "XSPF", "players that match songs by name"],
  ["jspf", "JSPF", "ListenBrainz"],
  ["json", "JSON", "programs: all that is known of each song"],
  ["mpd", "MPD JSON", "the form of the Million Playlist Dataset"],
  ["uris", "Links", "one a line"],
  ["parquet", "Parquet", "data frames"],
];

export class ExportWindow {
  constructor(state) {
    Object.assign(this, { state });
    [this.dialog, this.said, this.links] = ["export-dialog", "export-said", "export-uris"].map(byId);
    this.buttons = [byId("export-copy")];
    const list = byId("export-formats");
    for (const [format, name, use] of FORMATS) {
      const item = element("li", "", list);
      const button = textButton(name, item, () => this.save(format));
      button.dataset.format = format;
      this.buttons.push(button);
      element("span", "muted", item, use);
    }
    byId("export").addEventListener("click", () => this.open(this.own()));
    byId("export-copy").addEventListener("click", () => {
      this.links.select();
      copyText(this.links.value, "Copied.", this.said);
    });
  }

  /** The playlist on the page. */
  own() {
    const { tracks, picks, name } = this.state;
    return { title: name || "My playlist", tracks, others: picks.length > tracks.length };
  }

  /** Open for a playlist: { title, tracks, others }, picks of songs and whether others are left out. */
  async open(playlist) {
    this.playlist = playlist;
    const { title, tracks, others } = playlist;
    const note = others ? "; artists and titles are not exported" : "";
    byId("export-note").textContent = `${title}: ${counted(tracks.length, "song")}${note}.`;
    byId("export-problem").replaceChildren();
    this.said.textContent = this.links.value = "";
    for (const button of this.buttons) button.disabled = !tracks.length;
    this.dialog.showModal();
    if (!tracks.length) return;
    const file = await this.ask("uris", () => this.open(playlist));
    if (file) this.links.value = (await file.content.text()).trimEnd();
  }

  async save(format) {
    const file = await this.ask(format, () => this.save(format));
    if (!file) return;
    download(file);
    const note = ["m3u8", "xspf"].includes(format) ? ` ${NO_FILES}` : "";
    this.said.textContent = `Saved as ${file.name}.${note}`;
  }

  /** The playlist as { name, content }; null if that failed, which is then shown. */
  async ask(format, again) {
    const { title, tracks } = this.playlist;
    try {
      return await exported({ title, tracks: tracks.map(({ id }) => id), format });
    } catch (error) {
      showProblem(byId("export-problem"), error, again);
      return null;
    }
  }
}

function download({ name, content }) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(content);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

/** Copy, and say so in `place` or in a message. */
export async function copyText(text, done, place = null) {
  let words = done;
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    words = "Your browser does not allow copying here; select the text and copy it.";
  }
  if (place) place.textContent = words;
  else toast(words);
}
