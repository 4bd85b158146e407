/** The search box: suggestions while typing; a combobox per the ARIA authoring practices. */

import { debounced, find, Latest } from "./api.js";
import { pickOf } from "./state.js";
import { byId, counted, element, icon, say, songText } from "./parts.js";

export class Search {
  /** `pick(pick)` is called with the choice; `has(pick)` says whether it was chosen before. */
  constructor({ pick, has }) {
    Object.assign(this, { pick, has, options: [], active: -1, latest: new Latest() });
    [this.input, this.list, this.note] = ["search", "suggestions", "search-note"].map(byId);
    this.shownFor = ""; // the text that the suggestions are for
    this.wanted = false; // Enter was pressed before the suggestions arrived
    const soon = debounced(() => this.ask(), 120);
    this.input.addEventListener("input", () => {
      this.wanted = false;
      if (this.text) soon();
      else this.close();
    });
    this.input.addEventListener("keydown", (event) => this.press(event));
    this.input.addEventListener("focus", () => this.text && this.ask());
    this.input.addEventListener("blur", () => this.close());
    // Keep the focus in the box while choosing with the pointer.
    this.list.addEventListener("pointerdown", (event) => event.preventDefault());
    this.list.addEventListener("mousedown", (event) => event.preventDefault());
  }

  get text() {
    return this.input.value.trim();
  }

  async ask() {
    const text = this.text;
    if (!text) return this.close();
    this.input.setAttribute("aria-busy", "true");
    try {
      const found = await this.latest.run((signal) => find(text, signal));
      // For an older text, or too late.
      if (!found || text !== this.text || document.activeElement !== this.input) return;
      this.show(text, found);
    } catch (error) {
      this.show(text, { tracks: [], artists: [] }, error.message);
    }
    this.input.removeAttribute("aria-busy");
    if (this.wanted) this.choose(0);
    this.wanted = false;
  }

  show(text, { tracks = [], artists = [] }, problem = "") {
    this.list.replaceChildren();
    [this.options, this.shownFor] = [[], text];
    // Many who type an artist's name want the artist, which would otherwise be below six songs.
    const first = artists.length && starts(artists[0].name, text) && !starts(tracks[0]?.name, text);
    const groups = [["Songs", "track", tracks], ["Artists", "artist", artists.slice(0, 3)]];
    for (const [name, type, all] of first ? groups.reverse() : groups) {
      if (!all.length) continue;
      const group = element("div", "group", this.list);
      group.setAttribute("role", "group");
      group.setAttribute("aria-label", name);
      const heading = element("div", "group-name", group, name);
      heading.setAttribute("aria-hidden", "true");
      for (const said of all) this.option(pickOf(type, said), said, group);
    }
    const count = this.options.length;
    this.list.hidden = !count;
    this.input.setAttribute("aria-expanded", String(count > 0));
    this.note.hidden = count > 0;
    this.note.textContent = problem || `No matches for “${text}”.`;
    this.look(-1);
    say(count ? `${counted(count, "suggestion")}.` : this.note.textContent);
  }

  option(pick, said, group) {
    const place = this.options.length;
    const option = element("div", "option", group);
    option.setAttribute("role", "option");
    option.setAttribute("aria-selected", "false");
    option.id = `suggestion-${place}`;
    songText(pick, option);
    const known = this.has(pick);
    const count = pick.type === "artist" ? counted(said.num_tracks ?? 0, "song") : said.album_name;
    element("span", "aside", option, known ? "in your playlist" : (count ?? ""));
    icon("add", option);
    option.addEventListener("click", () => this.choose(place));
    option.addEventListener("pointermove", () => this.active !== place && this.look(place));
    this.options.push({ option, pick });
  }

  look(place) {
    this.options[this.active]?.option.setAttribute("aria-selected", "false");
    this.active = place;
    const option = this.options[place]?.option;
    option?.setAttribute("aria-selected", "true");
    option?.scrollIntoView({ block: "nearest" });
    if (option) this.input.setAttribute("aria-activedescendant", option.id);
    else this.input.removeAttribute("aria-activedescendant");
  }

  choose(place) {
    const chosen = this.options[place];
    if (!chosen) return;
    this.input.value = "";
    this.close();
    this.pick(chosen.pick);
  }

  close() {
    this.latest.stop();
    [this.options, this.shownFor, this.wanted] = [[], "", false];
    this.list.replaceChildren();
    this.list.hidden = this.note.hidden = true;
    this.input.setAttribute("aria-expanded", "false");
    this.input.removeAttribute("aria-busy");
    this.look(-1);
  }

  press(event) {
    const count = this.options.length;
    // During IME composition, keys belong to the input method.
    if (event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      if (!count) this.ask();
      // One position past the options: back in the box.
      else this.look(((this.active + 1 + step + count + 1) % (count + 1)) - 1);
    } else if (event.key === "Enter") {
      if (this.shownFor === this.text) this.choose(Math.max(0, this.active));
      else if (this.text) {
        this.wanted = true;
        this.ask();
      }
    } else if (event.key === "Escape") {
      if (!count && this.note.hidden) this.input.value = "";
      this.close();
    } else return;
    event.preventDefault();
  }
}

const plain = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();

function starts(name, text) {
  return plain(name ?? "").startsWith(plain(text));
}
