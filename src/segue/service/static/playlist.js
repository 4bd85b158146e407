/** The playlist as a list: show, remove, clear; exclusions; export and share. */

import { linkTo } from "./address.js";
import { idsOf, same } from "./state.js";
import { copyText } from "./exporting.js";
import {
  byId, called, counted, element, listenLink, refill, songText, toast, toolButton,
} from "./parts.js";

export class PlaylistView {
  /** `around(pick)` shows what is near a pick, `about(pick)` an artist. */
  constructor(state, { around, about }) {
    Object.assign(this, { state, around, about });
    [this.list, this.heading] = ["playlist", "playlist-heading"].map(byId);
    this.name = byId("playlist-name");
    this.name.addEventListener("input", () => state.set({ name: this.name.value.trim() }));
    byId("clear").addEventListener("click", () => this.clear());
    byId("share").addEventListener("click", () => copyText(linkTo(state), "Link copied."));
    this.fold = byId("fold");
    this.fold.addEventListener("click", () => this.unfold(this.fold.ariaExpanded !== "true"));
    state.listen((_, what) => {
      if (what === "picks") this.draw();
      if (what === "picks" || what === "excluded") this.drawExcluded();
    });
    this.nothing = byId("playlist-empty").textContent;
    this.draw();
  }

  /** Show a status in place of a playlist that is not there yet. */
  wait(text) {
    byId("playlist-empty").textContent = text;
  }

  /** On a narrow screen the songs are folded away, so that what goes with them is in sight. */
  unfold(open) {
    this.fold.ariaExpanded = String(open);
    this.fold.textContent = open ? "Hide" : "Show";
    this.fold.ariaLabel = `${this.fold.textContent} songs`;
    byId("playlist-body").classList.toggle("folded", !open);
    byId("playlist-brief").hidden = open;
  }

  draw() {
    const { picks, name } = this.state;
    refill(this.list, picks, (pick, item) => this.row(pick, item), this.heading);
    if (this.name.value.trim() !== name) this.name.value = name;
    const counts = ["track", "artist", "title"].map((type) => idsOf(picks, type).length);
    const parts = ["song", "artist", "title"].flatMap((word, at) =>
      counts[at] ? [counted(counts[at], word)] : []);
    byId("playlist-count").textContent = picks.length ? parts.join(", ") : "";
    byId("playlist-brief").textContent = picks.map(called).join(", ");
    byId("playlist-empty").textContent = this.nothing;
    byId("playlist-empty").hidden = picks.length > 0;
    byId("playlist-actions").hidden = this.fold.hidden = !picks.length;
  }

  row(pick, item) {
    songText(pick, item, this.about);
    const buttons = element("div", "buttons", item);
    if (pick.type === "track") listenLink(pick, buttons);
    if (pick.type !== "title")
      toolButton("around", "Nearby", `Nearby: ${called(pick)}`, buttons, () => this.around(pick));
    toolButton("close", "Remove", `Remove ${called(pick)}`, buttons, () => {
      const at = this.state.picks.findIndex((other) => same(other, pick));
      this.state.remove(pick);
      toast(`Removed “${called(pick)}”.`, "Undo", () => {
        const picks = this.state.picks.filter((other) => !same(other, pick));
        this.state.replace({ ...this.state, picks: [...picks.slice(0, at), pick, ...picks.slice(at)] });
      });
    });
  }

  drawExcluded() {
    const { excluded } = this.state;
    byId("excluded").hidden = !excluded.length;
    byId("excluded-count").textContent = String(excluded.length);
    refill(byId("excluded-list"), excluded, (pick, item) => {
      songText(pick, item);
      toolButton("add", "Allow", `Allow ${called(pick)} again`, item, () =>
        this.state.include(pick));
    }, this.heading);
  }

  clear() {
    const before = this.state.copy();
    this.state.replace({ ...this.state.settings, picks: [] });
    this.heading.focus();
    toast("Playlist cleared.", "Undo", () => this.state.replace(before));
  }
}
