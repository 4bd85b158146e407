/** Names that fit the playlist; one is taken on a tap. */

import { debounced, hasTitles, Latest, title } from "./api.js";
import { idsOf } from "./state.js";
import { byId, element, textButton } from "./parts.js";

const MOST = 500; // songs that the service takes

export class Naming {
  constructor(state) {
    Object.assign(this, { state, latest: new Latest() });
    [this.place, this.input] = ["names", "playlist-name"].map(byId);
    const soon = debounced(() => this.refresh(), 300);
    state.listen((_, what) => (what === "picks" || what === "name") && soon());
  }

  async refresh() {
    const { tracks, name } = this.state;
    if (name || !tracks.length) return this.draw([]);
    try {
      if (!(await hasTitles())) return this.draw([]);
      const asked = { tracks: idsOf(tracks, "track").slice(0, MOST), n: 3 };
      const found = await this.latest.run((signal) => title(asked, signal));
      return found && this.draw(found.titles);
    } catch {
      return this.draw([]); // it does without
    }
  }

  draw(titles) {
    this.place.hidden = !titles.length;
    this.place.replaceChildren();
    if (!titles.length) return;
    element("span", "muted", this.place, "Such as");
    for (const { title: name } of titles) {
      const button = textButton(name, this.place, () => {
        this.input.value = name;
        this.state.set({ name });
        this.input.focus();
      }, "chip");
      button.setAttribute("aria-label", `Name it ${name}`);
    }
  }
}
