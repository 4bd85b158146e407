/** What goes with the playlist, updated after each change, each song with its reasons. */

import { debounced, Latest, popular, vibe } from "./api.js";
import { pickOf } from "./state.js";
import {
  byId, called, counted, element, iconButton, refill, say, showProblem, songText, spotifyLink, toast,
} from "./parts.js";

const FIRST = 20; // songs requested at first; "Show more" requests as many again
const MOST = 100;

export class Results {
  constructor(state) {
    Object.assign(this, { state, latest: new Latest(), n: FIRST, answer: null });
    this.clearProblem = () => {};
    [this.list, this.heading, this.more] = ["results", "found-heading", "more"].map(byId);
    [this.dial, this.perArtist, this.back] = ["dial", "per-artist", "back"].map(byId);
    this.soon = debounced(() => this.refresh(), 120);
    this.dial.addEventListener("input", () => state.set({ dial: Number(this.dial.value) }));
    this.perArtist.addEventListener("change", () =>
      state.set({ perArtist: Number(this.perArtist.value) || null }));
    this.back.addEventListener("click", () => {
      state.set({ like: null });
      this.heading.focus();
    });
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
    const { dial, perArtist, like } = this.state;
    this.dial.value = String(dial);
    this.dial.setAttribute("aria-valuetext", inWords(dial));
    this.perArtist.value = String(perArtist ?? "");
    this.back.hidden = !like;
  }

  request() {
    const { state } = this;
    const from = state.like ? [state.like] : state.picks;
    const ids = (type) => from.filter((pick) => pick.type === type).map((pick) => pick.id);
    const kept = [...(state.like ? state.tracks : []), ...state.excluded].map((pick) => pick.id);
    const filters = { exclude_tracks: kept, other_versions: false };
    if (state.perArtist) filters.max_per_artist = state.perArtist;
    const body = { n: this.n, dial: state.dial, filters };
    if (!from.length) return (signal) => popular(body, signal);
    const asked = { ...body, tracks: ids("track"), artists: ids("artist"), reasons: true };
    return (signal) => vibe(asked, signal);
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
    if (!tracks.length)
      element("li", "nothing muted", this.list, "No other songs match.");
    say(`${this.heading.textContent}: ${counted(tracks.length, "song")}.`);
  }

  row({ said, ...pick }, item, most) {
    const { state } = this;
    songText(pick, item);
    const buttons = element("div", "buttons", item);
    spotifyLink(pick, buttons);
    iconButton("like", `More like ${called(pick)}`, buttons, () => {
      state.set({ like: pick });
      this.heading.focus();
    });
    iconButton("not", `Not ${called(pick)}`, buttons, () => {
      this.drop(pick);
      state.exclude(pick);
      toast(`Excluded “${called(pick)}”.`, "Undo", () => state.include(pick));
    });
    iconButton("add", `Add ${called(pick)}`, buttons, () => {
      this.drop(pick);
      state.add(pick);
      toast(`Added “${called(pick)}”.`, "Undo", () => state.remove(pick));
    }).classList.add("main");
    this.why(said, item, most);
  }

  /** Remove a handled song at once; the next answer fills its place. */
  drop(pick) {
    this.answer.tracks = this.answer.tracks.filter((said) => said.track_id !== pick.id);
    this.draw();
  }

  /** The reasons: which songs and by how much, shared playlists, same artist. */
  why({ because = [], same_artist: sameArtist = [], playlists }, item, most) {
    const parts = because.filter(({ part }) => part > 0.005);
    if (!parts.length && !sameArtist.length && !playlists?.length) return;
    const why = element("div", "why", item);
    if (parts.length) {
      const list = element("ul", "parts", why);
      list.setAttribute("aria-label", "Because of");
      for (const { kind, name, part } of parts) {
        const entry = element("li", "", list);
        const bar = element("span", "bar-of-part", entry);
        const share = Math.min(1, part / most);
        bar.style.setProperty("--part", share.toFixed(3));
        bar.setAttribute("aria-hidden", "true");
        const words = kind === "popularity" ? "popularity" : name || "(no name)";
        element("span", "part-name", entry, words).dir = "auto";
        element("span", "unseen", entry, ` ${Math.round(share * 100)} of 100`);
      }
    }
    if (sameArtist.length) {
      const tie = element("p", "tie", why, `Same artist as ${quoted(sameArtist)}`);
      tie.dir = "auto";
    }
    if (playlists?.length) {
      const mine = quoted([...new Set(playlists.flatMap((shared) => shared.track_names))]);
      const tie = element("p", "tie", why, `Together with ${mine} in`);
      tie.dir = "auto";
      for (const { title, playlist_id: id } of playlists) {
        tie.append(" ");
        const shown = element("span", "title", tie, title || `playlist ${id}`);
        [shown.dir, shown.title] = ["auto", shown.textContent];
      }
    }
  }
}

function quoted(names, most = 2) {
  const shown = names.slice(0, most).map((name) => `“${name || "(no name)"}”`).join(", ");
  return names.length > most ? `${shown} and ${names.length - most} more` : shown;
}

function inWords(dial) {
  if (!dial) return "balanced";
  const far = Math.abs(dial) < 0.35 ? "slightly" : Math.abs(dial) < 0.75 ? "mostly" : "fully";
  return `${far} towards ${dial < 0 ? "the mainstream" : "deep cuts"}`;
}
