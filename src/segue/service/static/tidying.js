/** What could be tidied in the playlist, as proposals; each changes it only on a tap. */

import { Latest, tidy } from "./api.js";
import { showProblem } from "./problem.js";
import { idsOf } from "./state.js";
import { byId, called, counted, element, quote, songText, textButton, toast, toolButton } from "./parts.js";

const LEAST = 2; // songs

export class Tidying {
  /** `addLists(lists)` keeps parts of the playlist as playlists of their own. */
  constructor(state, addLists) {
    Object.assign(this, { state, addLists, latest: new Latest(), open: false, stale: true });
    this.place = byId("tidied");
    this.clearProblem = () => {};
    state.listen((_, what) => {
      if (what !== "picks") return;
      this.stale = true;
      if (this.open) this.refresh();
    });
  }

  /** Called when its tab is opened or left. */
  appear(open) {
    this.open = open;
    if (open && this.stale) this.refresh();
  }

  async refresh() {
    this.clearProblem();
    this.stale = false;
    const songs = this.state.tracks;
    if (songs.length < LEAST) return this.say("Add at least two songs to see what could be tidied.");
    this.place.setAttribute("aria-busy", "true");
    try {
      const report = await this.latest.run((signal) =>
        tidy({ tracks: idsOf(songs, "track") }, signal));
      if (report) this.draw(report, songs);
    } catch (error) {
      this.stale = true;
      this.clearProblem = showProblem(byId("tidy-problem"), error, () => this.refresh());
    }
    return this.place.removeAttribute("aria-busy");
  }

  say(words) {
    this.place.replaceChildren();
    element("p", "muted", this.place, words);
  }

  draw({ duplicates, outliers, parts, order, neighbours }, songs) {
    this.place.replaceChildren();
    const at = (place) => songs[place - 1];
    const kinds = { same: "the same as", version: "another version of" };
    this.droppable("Here twice", duplicates.map(({ place, of, kind }) =>
      [at(place), `${kinds[kind] ?? kind} ${quote(called(at(of)))}, which stays`]));
    this.droppable("May not fit", outliers.map(({ place, doubt }) =>
      [at(place), `${doubt > 0.7 ? "unlike" : "rather unlike"} the others`]));
    this.order(order.map(at), neighbours, songs);
    if (parts.length > 1) this.parts(parts, at);
    if (!this.place.childElementCount)
      this.say("Nothing to tidy: no song is here twice, all fit, and neighbours go together.");
  }

  section(title) {
    const section = element("section", "proposal", this.place);
    const head = element("div", "head", section);
    element("h3", "", head, title);
    return [section, head];
  }

  /** Songs that may go, each with why. */
  droppable(title, rows) {
    if (!rows.length) return;
    const [section, head] = this.section(`${title} (${rows.length})`);
    if (rows.length > 1)
      textButton("Remove all", head, () => this.drop(rows.map(([pick]) => pick)));
    const list = element("ul", "songs", section);
    for (const [pick, why] of rows) {
      const item = element("li", "", list);
      element("span", "by", songText(pick, item), why).dir = "auto";
      toolButton("close", "Remove", `Remove ${called(pick)}`, item, () => this.drop([pick]));
    }
  }

  order(picks, { given, proposed }, songs) {
    if (proposed < given + 0.005 || picks.every((pick, at) => pick === songs[at])) return;
    const [section, head] = this.section("An order in which neighbours go together");
    textButton("Use this order", head, () => {
      const artists = this.state.picks.filter(({ type }) => type !== "track");
      this.change([...picks, ...artists], "Put in order.");
    });
    element("p", "muted", section,
      `Neighbours are ${Math.round(100 * proposed)}% alike, ${Math.round(100 * given)}% as it is.`);
    const list = element("ol", "brief", section);
    for (const pick of picks.slice(0, 5))
      element("bdi", "", element("li", "", list), called(pick));
    if (picks.length > 5) element("li", "muted", list, "…");
  }

  parts(parts, at) {
    const [section, head] = this.section(`Could be ${parts.length} playlists`);
    const listOf = ({ title, places }) => ({ title, songs: places.map((place) => {
      const pick = at(place);
      return { asked: pick.name, status: "found", pick, candidates: [] };
    }) });
    textButton("Keep them as lists", head, () => {
      this.addLists(parts.map(listOf));
      toast(`Kept ${counted(parts.length, "list")} under “My music”.`);
    });
    const list = element("ul", "songs", section);
    for (const part of parts) {
      const item = element("li", "", list);
      const text = element("div", "song", item);
      element("span", "name", text, part.title || part.artists.join(", ")).dir = "auto";
      const words = `${counted(part.places.length, "song")}, such as ${part.typical.join("; ")}`;
      element("span", "by", text, words).dir = "auto";
      toolButton("playlist", "Only this", `Only this part: ${part.title}`, item, () =>
        this.change(part.places.map(at), `Only ${part.title || "this part"} is left.`));
    }
  }

  drop(gone) {
    const left = this.state.picks.filter((pick) => !gone.includes(pick));
    this.change(left, `Removed ${gone.length === 1 ? quote(called(gone[0])) : counted(gone.length, "song")}.`);
  }

  change(picks, words) {
    const before = this.state.copy();
    this.state.replace({ ...before, picks });
    byId("tidy-heading").focus();
    toast(words, "Undo", () => this.state.replace(before));
  }
}
