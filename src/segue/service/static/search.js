/** The search box: suggestions while typing; a combobox per the ARIA authoring practices. */

import { debounced, Latest } from "./api.js";
import { icon } from "./icons.js";
import { suggestions } from "./suggestions.js";
import { byId, counted, element, say, songText } from "./parts.js";

const SIGNS = { playlist: "playlist", title: "title" };

export class Search {
  /**
   * `pick(pick)` is called with the choice, `bring(text)` with several pasted lines; `has(pick)` says
   * whether something was chosen before.
   */
  constructor({ pick, has, bring }) {
    Object.assign(this, { pick, has, bring, options: [], active: -1, latest: new Latest() });
    [this.input, this.list, this.note] = ["search", "suggestions", "search-note"].map(byId);
    this.shownFor = ""; // the text that the suggestions are for
    this.wanted = false; // Enter was pressed before the suggestions arrived
    const soon = debounced(() => this.ask(), 120);
    this.input.addEventListener("input", () => {
      this.wanted = false;
      if (this.text) soon();
      else this.close();
    });
    this.input.addEventListener("paste", (event) => {
      const text = event.clipboardData.getData("text").trim();
      if (!text.includes("\n")) return;
      event.preventDefault();
      this.bring(text);
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
      const found = await this.latest.run((signal) => suggestions(text, signal));
      // For an older text, or too late.
      if (!found || text !== this.text || document.activeElement !== this.input) return;
      this.show(text, found);
    } catch (error) {
      this.show(text, { groups: [], note: error.message });
    }
    this.input.removeAttribute("aria-busy");
    if (this.wanted) this.choose(0);
    this.wanted = false;
  }

  show(text, { groups, note }) {
    this.list.replaceChildren();
    [this.options, this.shownFor] = [[], text];
    if (groups.length && note) {
      const line = element("p", "group-name", this.list, note);
      line.setAttribute("aria-hidden", "true");
    }
    for (const { name, options } of groups) {
      const group = element("div", "group", this.list);
      group.setAttribute("role", "group");
      group.setAttribute("aria-label", name);
      const heading = element("div", "group-name", group, name);
      heading.setAttribute("aria-hidden", "true");
      for (const { pick, aside } of options) this.option(pick, aside, group);
    }
    const count = this.options.length;
    this.list.hidden = !count;
    this.input.setAttribute("aria-expanded", String(count > 0));
    this.note.hidden = count > 0;
    this.note.textContent = note;
    this.look(-1);
    say([note, count ? `${counted(count, "suggestion")}.` : ""].filter(Boolean).join(" "));
  }

  option(pick, aside, group) {
    const place = this.options.length;
    const option = element("div", "option", group);
    option.setAttribute("role", "option");
    option.setAttribute("aria-selected", "false");
    option.id = `suggestion-${place}`;
    songText(pick, option);
    element("span", "aside", option, this.has(pick) ? "in your playlist" : aside);
    icon(SIGNS[pick.type] ?? "add", option);
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
