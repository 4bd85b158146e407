/** Which of a person's playlists each of some songs belongs to; they are put there on a tap. */

import { Latest, sort } from "./api.js";
import { picksOf, sameSongs } from "./lists.js";
import { showProblem } from "./problem.js";
import { byId, called, counted, element, quoted, refill, songText, toast, toolButton } from "./parts.js";

const OWN = "own"; // the value for the playlist on the page

export class Sorting {
  constructor(state, lists) {
    Object.assign(this, { state, lists, latest: new Latest(), rows: [], off: new Set() });
    [this.from, this.into, this.list] = ["sort-from", "sort-into", "sorted"].map(byId);
    this.clearProblem = () => {};
    this.chosen = null; // which songs, once the person has said
    this.from.addEventListener("change", () => {
      this.chosen = this.from.value;
      this.drawControls();
    });
    byId("sort-go").addEventListener("click", () => this.sort());
    byId("sort-all").addEventListener("click", () => this.putAll());
    state.listen((_, what) => (what === "picks" || what === "name") && this.drawControls());
    lists.listen(() => this.drawControls());
    this.drawControls();
  }

  drawControls() {
    const { lists, state, from } = this;
    const own = `${state.name || "Your playlist"} (${counted(state.tracks.length, "song")})`;
    const sources = [...(state.tracks.length ? [[OWN, own]] : []), ...lists.all.map((list) =>
      [list.key, `${list.title} (${counted(picksOf(list).length, "song")})`])];
    from.replaceChildren();
    for (const [value, words] of sources) element("option", "", from, words).value = value;
    if (sources.some(([value]) => value === this.chosen)) from.value = this.chosen;
    const others = this.targets();
    this.into.querySelectorAll("label").forEach((label) => label.remove());
    for (const list of others) {
      const label = element("label", "check", this.into);
      const box = element("input", "", label);
      Object.assign(box, { type: "checkbox", value: list.key, checked: !this.off.has(list.key) });
      box.addEventListener("change", () =>
        box.checked ? this.off.delete(list.key) : this.off.add(list.key));
      element("span", "", label, `${list.title} (${picksOf(list).length})`).dir = "auto";
    }
    const ready = others.length > 0 && sources.length > 0;
    byId("sort-hint").hidden = ready;
    byId("sort-controls").hidden = !ready;
  }

  /** The songs to sort. */
  songs() {
    const { lists, state, from } = this;
    if (from.value === OWN) return state.tracks;
    const list = lists.withKey(from.value);
    return list ? picksOf(list) : [];
  }

  /** The lists that they can go into: none that they are themselves. */
  targets() {
    const songs = this.songs();
    return this.lists.all.filter(
      (list) => list.key !== this.from.value && !sameSongs(picksOf(list), songs));
  }

  async sort() {
    this.clearProblem();
    const songs = this.songs();
    const into = {};
    for (const list of this.targets())
      if (!this.off.has(list.key)) into[list.title] = picksOf(list).map(({ id }) => id);
    try {
      const answer = await this.latest.run((signal) =>
        sort({ tracks: songs.map(({ id }) => id), into }, signal));
      if (answer) this.show(answer, songs);
    } catch (error) {
      this.clearProblem = showProblem(byId("sort-problem"), error, () => this.sort());
    }
  }

  show({ songs }, picks) {
    this.rows = songs.map((said) => ({
      ...picks.find(({ id }) => id === said.track_id),
      said,
      to: said.best,
      done: null,
    }));
    this.draw();
    byId("sort-heading").focus();
  }

  draw() {
    const fits = this.rows.filter(({ to, done }) => to && !done).length;
    const nowhere = this.rows.filter(({ to, done }) => !to && !done).length;
    byId("sort-note").textContent = this.rows.length
      ? `${counted(fits, "song")} to put somewhere; none fits for ${nowhere}.` : "";
    byId("sort-all").hidden = fits < 2;
    refill(this.list, this.rows, (row, item) => this.row(row, item), byId("sort-heading"));
  }

  row(row, item) {
    const { said } = row;
    const text = songText(row, item);
    const held = said.already_in;
    if (held.length) element("span", "by", text, `Already in ${held.join(", ")}`).dir = "auto";
    if (row.done) {
      element("span", "muted", item, `In ${row.done.title}`).dir = "auto";
      toolButton("close", "Undo", `Undo for ${called(row)}`, item, () => {
        this.lists.take(row.done, [row]);
        row.done = null;
        this.draw();
      });
      return;
    }
    const best = said.placements.find((one) => one.playlist_id === row.to);
    const reasons = (best?.because ?? []).filter(({ kind, part }) => kind === "track" && part > 0);
    if (reasons.length)
      element("span", "by", text, `Because of ${quoted(reasons.map(({ name }) => name))}`).dir = "auto";
    const choice = element("select", "", item);
    choice.setAttribute("aria-label", `Where ${called(row)} belongs`);
    choice.dataset.action = "choose";
    for (const { playlist_id: title, confidence } of said.placements)
      element("option", "", choice, `${title}, ${percent(confidence)}`).value = title;
    element("option", "", choice, `None fits, ${percent(said.none_fits)}`).value = "";
    choice.value = row.to ?? "";
    choice.addEventListener("change", () => {
      row.to = choice.value || null;
      this.draw();
    });
    const put = toolButton("add", "Put there", `Put ${called(row)} there`, item, () => {
      this.put(row);
      this.draw();
    });
    put.classList.add("main");
    put.disabled = !row.to;
  }

  put(row) {
    const list = this.lists.withTitle(row.to);
    if (!list) return false;
    this.lists.put(list, [row]);
    row.done = list;
    return true;
  }

  putAll() {
    const done = this.rows.filter((row) => row.to && !row.done && this.put(row));
    this.draw();
    byId("sort-heading").focus();
    toast(`Put ${counted(done.length, "song")} into your playlists.`, "Undo", () => {
      for (const row of done) {
        this.lists.take(row.done, [row]);
        row.done = null;
      }
      this.draw();
    });
  }
}

const percent = (share) => `${Math.round(100 * share)}%`;
