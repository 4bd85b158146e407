/** An artist or a playlist in a window of its own: what it holds, and how to go on from it. */

import { details, Latest, similar } from "./api.js";
import { showProblem } from "./problem.js";
import { pickOf } from "./state.js";
import {
  aboutLink, byId, called, counted, element, listenLink, refill, songText, toast, toolButton,
} from "./parts.js";

export class About {
  /** `around(pick)` shows what is near an artist. */
  constructor(state, { around }) {
    Object.assign(this, { state, around, latest: new Latest() });
    [this.dialog, this.heading] = ["about", "about-heading"].map(byId);
    this.dialog.addEventListener("close", () => this.latest.stop());
  }

  /** Show an artist or a playlist, a pick with its type. */
  async show(pick) {
    const place = byId("about-problem");
    place.replaceChildren();
    this.heading.textContent = called(pick);
    byId("about-note").textContent = "Loading …";
    for (const id of ["about-actions", "about-songs", "about-near"]) byId(id).replaceChildren();
    if (!this.dialog.open) this.dialog.showModal();
    try {
      const found = await this.latest.run((signal) => this.ask(pick, signal));
      if (found) this.draw(pick, ...found);
    } catch (error) {
      byId("about-note").textContent = "";
      showProblem(place, error, () => this.show(pick));
    }
  }

  ask({ type, id }, signal) {
    const near = type === "artist" ? similar({ artist: id, n: 8 }, signal) : { artists: [] };
    return Promise.all([details(type, id, signal), near]);
  }

  draw({ type }, said, { artists }) {
    const pick = { type, id: said.id, name: type === "artist" ? said.name : said.title };
    const tracks = said.tracks.map((track) => pickOf("track", track));
    this.heading.textContent = called(pick);
    const more = said.num_tracks > tracks.length ? `, the first ${tracks.length} shown` : "";
    byId("about-note").textContent =
      `${type === "artist" ? "Artist" : "Playlist"} · ${counted(said.num_tracks, "song")}${more}`;
    this.actions(pick, tracks);
    refill(byId("about-songs"), tracks, (track, item) => this.row(track, item), this.heading);
    const place = byId("about-near");
    if (!artists.length) return;
    element("h3", "", place, "Nearby artists");
    const list = element("ul", "chips", place);
    for (const one of artists)
      aboutLink(pickOf("artist", one), element("li", "", list), (other) => this.show(other), "chip");
  }

  actions(pick, tracks) {
    const place = byId("about-actions");
    const act = (sign, word, done, look = "") =>
      toolButton(sign, word, `${word}: ${called(pick)}`, place, () => {
        this.dialog.close();
        done();
      }).classList.add("worded", ...(look ? [look] : []));
    const picks = pick.type === "artist" ? [pick] : tracks;
    act("playlist", "Start from it", () => this.start(pick, picks), "main");
    if (pick.type === "artist") {
      act("add", "Add to playlist", () => this.add(picks, called(pick)));
      act("around", "Nearby", () => this.around(pick));
      act("not", "Not this artist", () => {
        this.state.exclude(pick);
        toast(`No songs by ${called(pick)}.`, "Undo", () => this.state.include(pick));
      });
    } else act("add", "Add all", () => this.add(picks, counted(picks.length, "song")));
  }

  row(track, item) {
    songText(track, item, (artist) => this.show(artist));
    const buttons = element("div", "buttons", item);
    listenLink(track, buttons);
    const known = this.state.has(track);
    const add = toolButton(known ? "done" : "add", known ? "Added" : "Add", `Add ${called(track)}`,
      buttons, () => {
        this.state.add(track);
        item.replaceChildren();
        this.row(track, item);
        item.querySelector("a.tool").focus();
      });
    add.disabled = known;
    if (!known) add.classList.add("main");
  }

  add(picks, words) {
    const added = this.state.add(...picks);
    toast(`Added ${words}.`, "Undo", () => this.state.remove(...added));
  }

  /** In place of the playlist. */
  start(pick, picks) {
    const before = this.state.copy();
    const { excluded } = before;
    const name = pick.type === "playlist" ? called(pick).slice(0, 100) : "";
    this.state.replace({ ...this.state.settings, picks: [...picks], name, excluded });
    byId("found-heading").focus();
    if (before.picks.length)
      toast(`Started from ${called(pick)}.`, "Undo", () => this.state.replace(before));
  }
}
