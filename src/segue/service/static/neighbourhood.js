/** The neighbourhood of a pick as a picture: the graph view with data from the service. */

import { Latest, subgraph } from "./api.js";
import { GraphView } from "../graph/graph_view.js";
import { drawLegend } from "../graph/legend.js";
import { pickOf, same } from "./state.js";
import { showProblem } from "./problem.js";
import { byId, called, element, listenLink, songText, textButton } from "./parts.js";

const WITHOUT =
  "There is no neighbourhood to show: the playlists behind these songs are not available here.";

export class Neighbourhood {
  constructor(state) {
    Object.assign(this, { state, latest: new Latest(), view: null, start: null });
    this.open = false;
    this.clearProblem = () => {};
    this.choice = byId("around");
    this.choice.addEventListener("change", () => this.show(this.picks()[this.choice.value]));
    state.listen((_, what) => what === "picks" && this.drawChoice());
  }

  /** The possible starting points: the playlist, and the last one used. */
  picks() {
    const { picks } = this.state;
    const other = this.start && !picks.some((pick) => same(pick, this.start));
    return other ? [...picks, this.start] : picks;
  }

  drawChoice() {
    const picks = this.picks();
    this.choice.replaceChildren();
    if (!picks.length) element("option", "", this.choice, "nothing yet");
    picks.forEach((pick, at) => {
      const words = pick.artist_name ? `${called(pick)} – ${pick.artist_name}` : called(pick);
      const option = element("option", "", this.choice, words);
      option.value = String(at);
      option.selected = Boolean(this.start && same(pick, this.start));
    });
    this.choice.disabled = !picks.length;
    this.lookAt(this.looked ?? null);
  }

  /** Called when its tab is opened, not before: the view measures its element. */
  appear(otherwise) {
    this.open = true;
    const start = this.start ?? this.state.picks.at(-1) ?? otherwise;
    if (!start) this.drawChoice();
    else if (!this.start || this.stale) this.show(start);
  }

  async show(start) {
    this.start = start;
    this.stale = !this.open; // shown once the tab is open
    this.drawChoice();
    if (!this.open) return;
    this.clearProblem();
    this.view ??= new GraphView(byId("graph"), {
      more: (key) => this.beyond(key),
      onFocus: (node) => this.lookAt(node),
    });
    byId("graph").setAttribute("aria-busy", "true");
    try {
      const scene = await this.latest.run((signal) => subgraph(start.type, start.id, 2, signal));
      if (!scene) return;
      byId("graph").hidden = false;
      this.view.show(scene);
      byId("legend").replaceChildren();
      drawLegend(scene, byId("legend"));
      this.lookAt(null);
    } catch (error) {
      this.stale = true;
      const place = byId("around-problem");
      if (error.status === 400) {
        byId("graph").hidden = true; // permanently
        place.replaceChildren();
        element("p", "muted", place, WITHOUT).setAttribute("role", "status");
        this.clearProblem = () => place.replaceChildren();
      } else this.clearProblem = showProblem(place, error, () => this.show(start));
    }
    byId("graph").removeAttribute("aria-busy");
  }

  /** The neighbours of a node, without positions: they are placed next to what is shown. */
  async beyond(key) {
    const { type, id } = this.view.nodes.get(key);
    const { nodes, edges } = await subgraph(type, id, 1);
    const fresh = nodes.map(({ x, y, ...node }) => ({ ...node, role: "" }));
    return { nodes: fresh, edges };
  }

  /** Below the picture: the focused node, and its actions. */
  lookAt(node) {
    this.looked = node;
    const place = byId("looked-at");
    const held = place.contains(document.activeElement);
    place.replaceChildren();
    if (!node) return;
    const name = { id: node.id, name: node.label };
    if (node.type === "playlist") {
      const text = element("div", "song", place);
      element("span", "name", text, node.label).dir = "auto";
      element("span", "by", text, `Playlist · ${node.detail}`);
      return;
    }
    // The detail of a track begins with its artist; a name may contain the same separator.
    const artist = node.detail.split(" · ").slice(0, -1).join(" · ");
    const pick = pickOf(node.type, { ...name, artist_name: artist });
    songText(pick, place);
    if (pick.type === "track") listenLink(pick, place);
    const known = this.state.has(pick);
    const add = textButton(known ? "In your playlist" : "Add", place, () => {
      this.state.add(pick);
      this.lookAt(node);
    }, "main");
    add.disabled = known;
    const start = textButton("Start here", place, () => this.show(pick));
    if (held) (known ? start : add).focus();
  }
}
