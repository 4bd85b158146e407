/** Tabs per the ARIA authoring practices: one stop for Tab, arrow keys move between them. */

import { byId } from "./parts.js";

export class Tabs {
  /** `opened(id)` is called with the tab that was opened. */
  constructor(ids, opened) {
    Object.assign(this, { tabs: ids.map(byId), opened });
    for (const tab of this.tabs) {
      tab.addEventListener("click", () => this.open(tab.id));
      tab.addEventListener("keydown", (event) => this.press(event, tab));
    }
  }

  open(id) {
    for (const tab of this.tabs) {
      const chosen = tab.id === id;
      tab.setAttribute("aria-selected", String(chosen));
      tab.tabIndex = chosen ? 0 : -1;
      byId(tab.getAttribute("aria-controls")).hidden = !chosen;
    }
    this.opened(id);
  }

  press(event, tab) {
    const at = this.tabs.indexOf(tab);
    const last = this.tabs.length - 1;
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: last }[event.key];
    if (to === undefined) return;
    const next = this.tabs.at(to > last ? 0 : to);
    this.open(next.id);
    next.focus();
    event.preventDefault();
  }
}
