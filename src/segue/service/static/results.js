/** What goes with the playlist, updated after each change, each song with its reasons. */

import { debounced, Latest, popular, vibe } from "./api.js";
import { icon } from "./icons.js";
import { showProblem } from "./problem.js";
import { drawReasons, inOneLine } from "./reasons.js";
import { idsOf, pickOf } from "./state.js";
import {
  byId, called, counted, element, listenLink, quoted, refill, say, songText, toast, toolButton,
} from "./parts.js";

const FIRST = 20; // songs requested at first; "Show more" requests as many again
const MOST = 100;
const MOST_ASKED = 500; // songs that the service is asked with: the last ones

export class Results {
  /** `around(pick)` shows what is near a pick, `about(pick)` an artist or a playlist. */
  constructor(state, { around, about }) {
    Object.assign(this, { state, around, about, latest: new Latest(), n: FIRST, answer: null });
    this.opened = new Set(); // ids of the songs whose reasons are open
    this.clearProblem = () => {};
    [this.list, this.heading, this.more] = ["results", "found-heading", "more"].map(byId);
    [this.dial, this.perArtist, this.back] = ["dial", "per-artist", "back"].map(byId);
    this.question = byId("question");
    this.soon = debounced(() => this.refresh(), 120);
    this.dial.addEventListener("input", () => state.set({ dial: Number(this.dial.value) }));
    this.perArtist.addEventListener("change", () =>
      state.set({ perArtist: Number(this.perArtist.value) }));
    this.question.addEventListener("change", () => state.set({ question: this.question.value }));
    this.back.addEventListener("click", () => {
      state.set({ like: null });
      this.heading.focus();
    });
    byId("add-all").addEventListener("click", () => this.addAll());
    this.more.addEventListener("click", () => {
      this.n = Math.min(MOST, this.n + FIRST);
      this.refresh();
    });
    state.listen((_, what) => {
      if (what === "name") return;
      if (what === "picks" || what === "like") this.n = FIRST;
      this.drawControls();
      // A dial in motion gives many values per second.
      if (what === "settings") this.soon();
      else this.refresh();
    });
    this.drawControls();
  }

  drawControls() {
    const { dial, perArtist, question, like } = this.state;
    this.dial.value = String(dial);
    this.dial.setAttribute("aria-valuetext", inWords(dial));
    this.perArtist.value = String(perArtist);
    this.question.value = question;
    this.back.hidden = !like;
  }

  request() {
    const { state } = this;
    const from = state.like ? [state.like] : state.picks;
    const rest = state.like ? state.tracks : state.tracks.slice(0, -MOST_ASKED);
    const kept = [...rest, ...state.excluded];
    const filters = {
      exclude_tracks: idsOf(kept, "track"),
      exclude_artists: idsOf(kept, "artist"),
      other_versions: false,
    };
    // Whoever wants no limit wants no other one either.
    const body = { n: this.n, dial: state.dial, variety: state.perArtist ? 1 : 0, filters };
    if (state.perArtist) filters.max_per_artist = state.perArtist;
    if (!from.length) return (signal) => popular(body, signal);
    const tracks = idsOf(from, "track").slice(-MOST_ASKED);
    const asked = { tracks, artists: idsOf(from, "artist"), question: state.question, reasons: true };
    const [title] = idsOf(from, "title");
    if (title) asked.title = title;
    return (signal) => vibe({ ...body, ...asked }, signal);
  }

  async refresh() {
    this.clearProblem();
    this.list.setAttribute("aria-busy", "true");
    if (!this.answer) this.drawWaiting();
    try {
      const answer = await this.latest.run(this.request());
      if (!answer) return; // superseded by a newer request
      this.answer = answer;
      this.draw();
    } catch (error) {
      if (!this.answer) this.list.replaceChildren();
      this.heading.textContent = this.title();
      this.clearProblem = showProblem(byId("problem"), error, () => this.refresh());
    }
    this.list.removeAttribute("aria-busy");
  }

  title() {
    const { like, picks } = this.state;
    if (like) return `More like “${called(like)}”`;
    return picks.length ? "Goes with your playlist" : "Popular songs";
  }

  /** Placeholder lines until the first songs are there. */
  drawWaiting() {
    this.list.replaceChildren();
    for (let line = 0; line < 6; line++) {
      const item = element("li", "waiting", this.list);
      item.setAttribute("aria-hidden", "true");
      element("div", "song", item);
    }
  }

  draw() {
    const { tracks } = this.answer;
    this.heading.textContent = this.title();
    const most = Math.max(1e-9, ...tracks.flatMap(({ because }) => because.map((r) => r.part)));
    const entries = tracks.map((said) => ({ ...pickOf("track", said), said }));
    refill(this.list, entries, (entry, item) => this.row(entry, item, most), this.heading);
    this.more.hidden = tracks.length < this.n || this.n >= MOST;
    byId("add-all").hidden = tracks.length < 2;
    this.drawWords();
    if (!tracks.length)
      element("li", "nothing muted", this.list, "No other songs match.");
    say(`${this.heading.textContent}: ${counted(tracks.length, "song")}.`);
  }

  /** What became of the words of a title. */
  drawWords() {
    const { words_by_parts: byParts = [], unknown_words: unknown = [] } = this.answer;
    const said = [];
    if (byParts.length) said.push(`${quoted(byParts, 5)}: known only in parts.`);
    if (unknown.length) said.push(`${quoted(unknown, 5)}: in no title here, so left out.`);
    byId("found-note").textContent = said.join(" ");
    byId("found-note").hidden = !said.length;
  }

  row({ said, ...pick }, item, most) {
    const { state } = this;
    songText(pick, item, this.about);
    const buttons = element("div", "buttons", item);
    listenLink(pick, buttons);
    toolButton("not", "Not this", `Not this: ${called(pick)}`, buttons, () => {
      this.drop((track) => track.track_id === pick.id);
      state.exclude(pick);
      toast(`Excluded “${called(pick)}”.`, "Undo", () => state.include(pick));
    });
    toolButton("add", "Add", `Add ${called(pick)}`, buttons, () => {
      this.drop((track) => track.track_id === pick.id);
      state.add(pick);
      toast(`Added “${called(pick)}”.`, "Undo", () => state.remove(pick));
    }).classList.add("main");
    this.why(pick, said, item, most);
  }

  /** One line, which opens all reasons and what else can be done with the song. */
  why(pick, said, item, most) {
    const toggle = element("button", "why", item);
    toggle.type = "button";
    toggle.dataset.action = "why";
    const line = inOneLine(said, this.answer.query.length === 1);
    element("span", "why-line", toggle, line || "More").dir = "auto";
    element("span", "unseen", toggle, `, reasons and more for ${called(pick)}`);
    icon("more", toggle);
    const all = element("div", "all", item);
    const open = () => {
      const opened = this.opened.has(pick.id);
      toggle.setAttribute("aria-expanded", String(opened));
      all.hidden = !opened;
      all.replaceChildren();
      if (opened) this.whole(pick, said, all, most);
    };
    toggle.addEventListener("click", () => {
      if (!this.opened.delete(pick.id)) this.opened.add(pick.id);
      open();
    });
    open();
  }

  whole(pick, said, all, most) {
    drawReasons(said, all, most, this.about);
    const actions = element("div", "buttons", all);
    toolButton("like", "More like this", `More like this: ${called(pick)}`, actions, () => {
      this.state.set({ like: pick });
      this.heading.focus();
    }, "like");
    toolButton("around", "Nearby", `Nearby: ${called(pick)}`, actions, () => this.around(pick));
    if (!pick.artist_id) return;
    const artist = { type: "artist", id: pick.artist_id, name: pick.artist_name };
    const label = `Not this artist: ${called(artist)}`;
    toolButton("not", "Not this artist", label, actions, () => {
      this.drop((track) => track.artist_id === artist.id);
      this.state.exclude(artist);
      toast(`No songs by ${called(artist)}.`, "Undo", () => this.state.include(artist));
    }, "not-artist");
  }

  /** Remove handled songs at once; the next answer fills their places. */
  drop(gone) {
    this.answer.tracks = this.answer.tracks.filter((track) => !gone(track));
    this.draw();
  }

  addAll() {
    const added = this.state.add(...this.answer.tracks.map((said) => pickOf("track", said)));
    this.heading.focus();
    toast(`Added ${counted(added.length, "song")}.`, "Undo", () => this.state.remove(...added));
  }
}

function inWords(dial) {
  if (!dial) return "balanced";
  const far = Math.abs(dial) < 0.35 ? "slightly" : Math.abs(dial) < 0.75 ? "mostly" : "fully";
  return `${far} towards ${dial < 0 ? "the mainstream" : "deep cuts"}`;
}
