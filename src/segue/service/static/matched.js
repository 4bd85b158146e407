/** One playlist that was read: what matched, what is unsure, what is missing. */

import { ofStatus, picksOf } from "./lists.js";
import { called, counted, element, toolButton } from "./parts.js";

const MOST = 200; // missing songs that are named

export class MatchedList {
  /** `bring` starts from a list or adds it. */
  constructor(list, lists, bring) {
    Object.assign(this, { list, lists, bring });
    this.place = document.createElement("section");
    this.place.className = "matched";
  }

  /** Draw what is now known; returns the element. */
  draw() {
    const { list, place } = this;
    const open = new Set([...place.querySelectorAll("details[open]")].map((one) => one.className));
    const held = place.contains(document.activeElement) && document.activeElement.dataset.asked;
    place.replaceChildren();
    const heading = element("h3", "", place, list.title);
    heading.tabIndex = -1;
    heading.dir = "auto";
    const [found, unsure, missing] =
      ["found", "unsure", "missing"].map((status) => ofStatus(list, status));
    const counts = [`${found.length} found`];
    if (unsure.length) counts.push(`${unsure.length} unsure`);
    if (missing.length) counts.push(`${missing.length} missing`);
    element("p", "muted", place, counts.join(", "));
    this.actions();
    if (unsure.length) this.unsure(unsure, open.has("unsure") || unsure.length < 6);
    if (missing.length) this.missing(missing, open.has("missing"));
    if (found.length) this.found(found, open.has("found"));
    if (held) place.querySelector(`[data-asked="${CSS.escape(held)}"]`)?.focus();
    return place;
  }

  actions() {
    const { list, bring } = this;
    const row = element("div", "actions", this.place);
    const act = (sign, word, done) => {
      const button = toolButton(sign, word, `${word}: ${list.title}`, row, done);
      button.classList.add("worded");
      return button;
    };
    const [start, add] = [
      act("playlist", "Start from it", () => bring.start(list)),
      act("add", "Add to playlist", () => bring.add(list)),
    ];
    start.classList.add("main");
    const save = act("save", "Export", () => bring.save(list));
    for (const button of [start, add, save]) button.disabled = !picksOf(list).length;
    act("close", "Remove", () => this.lists.remove(list));
  }

  group(name, title, open) {
    const group = element("details", name, this.place);
    group.open = open;
    element("summary", "", group, title);
    return element("ul", "", group);
  }

  unsure(songs, open) {
    const rows = this.group("unsure", `Unsure (${songs.length}): choose`, open);
    for (const song of songs) {
      const label = element("label", "", element("li", "", rows));
      element("span", "", label, song.asked).dir = "auto";
      const choice = element("select", "", label);
      choice.dataset.asked = song.asked;
      element("option", "", choice, "Leave out").value = "";
      song.candidates.forEach((pick, at) => {
        const option = element("option", "", choice, `${called(pick)} – ${pick.artist_name}`);
        option.value = String(at);
        option.selected = song.pick === pick;
      });
      choice.addEventListener("change", () => {
        song.pick = song.candidates[choice.value] ?? null;
        this.lists.tell();
      });
    }
  }

  missing(songs, open) {
    const rows = this.group("missing", `Missing here (${songs.length})`, open);
    for (const song of songs.slice(0, MOST)) element("li", "", rows, song.asked).dir = "auto";
    if (songs.length > MOST)
      element("li", "muted", rows, `and ${counted(songs.length - MOST, "other")}`);
  }

  found(songs, open) {
    const rows = this.group("found", `Found (${songs.length})`, open);
    for (const { asked, pick } of songs) {
      const row = element("li", "", rows);
      const name = `${called(pick)} – ${pick.artist_name}`;
      element("span", "", row, name).dir = "auto";
      if (asked !== name) element("span", "muted", row, ` for ${asked}`).dir = "auto";
    }
  }
}
