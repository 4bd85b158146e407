/** The window that takes a person's own music: files that are dropped or chosen, pasted text. */

import { readFile } from "./api.js";
import { chosenIn, droppedIn, filesOf } from "./dropped.js";
import { picksOf } from "./lists.js";
import { MatchedList } from "./matched.js";
import { byId, counted, element, say, toast } from "./parts.js";

const PASTED = "Pasted list.txt";

export class Bring {
  /** `lists` keeps what is read; `save(list)` opens the window for exports. */
  constructor(state, lists, { save }) {
    Object.assign(this, { state, lists, save, cards: new Map() });
    [this.dialog, this.text, this.files, this.folder] =
      ["bring-dialog", "bring-text", "bring-files", "bring-folder"].map(byId);
    byId("bring").addEventListener("click", () => this.open());
    byId("bring-read").addEventListener("click", () => this.readText());
    byId("bring-choose").addEventListener("click", () => this.files.click());
    this.files.addEventListener("change", () => {
      this.read([...this.files.files]);
      this.files.value = "";
    });
    byId("bring-choose-folder").addEventListener("click", () => this.folder.click());
    this.folder.addEventListener("change", () => {
      const { files, others } = chosenIn(this.folder);
      this.read(files, others);
      this.folder.value = "";
    });
    this.listenToDrops();
    lists.listen(() => this.draw());
  }

  open(text = "") {
    if (text) this.text.value = text;
    if (!this.dialog.open) this.dialog.showModal();
  }

  /** Files and folders may be dropped anywhere on the page. */
  listenToDrops() {
    const holdsFiles = (event) => event.dataTransfer?.types.includes("Files");
    const over = (shown) => document.body.classList.toggle("dropping", shown);
    window.addEventListener("dragover", (event) => {
      if (!holdsFiles(event)) return;
      event.preventDefault();
      over(true);
    });
    window.addEventListener("dragleave", (event) => event.relatedTarget === null && over(false));
    window.addEventListener("drop", (event) => {
      over(false);
      if (!holdsFiles(event)) return;
      event.preventDefault();
      this.open();
      this.readDropped(droppedIn(event.dataTransfer));
    });
  }

  readText() {
    const text = this.text.value.trim();
    if (text) this.read([new File([text], PASTED, { type: "text/plain" })]);
  }

  async readDropped(dropped) {
    try {
      const { files, others } = await filesOf(dropped);
      await this.read(files, others);
    } catch (error) {
      byId("bring-said").textContent = `The folder cannot be read: ${error.message}`;
    }
  }

  /** Read files one by one; `others` is how many more their folder holds. */
  async read(files, others = 0) {
    const said = byId("bring-said");
    const words = [];
    if (others) words.push(`${counted(others, "other file")} in the folder left out.`);
    for (const file of files) {
      said.textContent = `Reading ${file.name} …`;
      const pasted = file.name === PASTED;
      try {
        const { playlists, notes } = await readFile(file);
        this.lists.add(playlists);
        const songs = playlists.reduce((sum, list) => sum + list.songs.length, 0);
        words.push(`${file.name}: ${counted(playlists.length, "playlist")}, `
          + `${counted(songs, "song")}.`, ...notes);
        if (pasted) this.text.value = "";
      } catch (error) {
        words.push(`${file.name}: ${error.message}`);
      }
    }
    said.replaceChildren();
    for (const line of words) element("span", "", said, line);
    byId("bring-lists").querySelector("h3")?.focus();
  }

  draw() {
    const place = byId("bring-lists");
    const { all } = this.lists;
    const kept = new Map();
    for (const list of all)
      kept.set(list, this.cards.get(list) ?? new MatchedList(list, this.lists, this));
    this.cards = kept;
    place.replaceChildren(...[...kept.values()].reverse().map((card) => card.draw()));
    byId("bring-count").textContent = all.length ? ` (${all.length})` : "";
  }

  /** In place of the playlist. */
  start(list) {
    const before = this.state.copy();
    const { excluded } = before;
    const name = list.title.slice(0, 100);
    this.dialog.close();
    this.state.replace({ ...this.state.settings, picks: picksOf(list), name, excluded });
    byId("found-heading").focus();
    if (before.picks.length)
      toast(`Started from ${list.title}.`, "Undo", () => this.state.replace(before));
    else say(`Started from ${list.title}.`);
  }

  add(list) {
    const added = this.state.add(...picksOf(list));
    this.dialog.close();
    toast(`Added ${counted(added.length, "song")}.`, "Undo", () => this.state.remove(...added));
  }
}
