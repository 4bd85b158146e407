/** What is near a pick, as a picture: by the vectors, or through the playlists that hold it. */

import { Latest, nearby, subgraph } from "./api.js";
import { GraphView } from "../graph/graph_view.js";
import { drawLegend } from "../graph/legend.js";
import { pickOf, same } from "./state.js";
import { showProblem } from "./problem.js";
import { aboutLink, byId, called, element, listenLink, songText, textButton } from "./parts.js";

const WITHOUT =
  "There is no neighbourhood to show: the playlists behind these songs are not available here.";
const HINTS = {
  near: "The nearer to the middle, the more alike; near each other, alike, too.",
  links: "Click a node to expand it.",
};
const NARROW = 600; // pixels; fewer names fit below this

export class Neighbourhood {
  /** `about(pick)` shows an artist or a playlist. */
  constructor(state, { about }) {
    Object.assign(this, { state, about, latest: new Latest(), view: null, start: null });
    this.open = false;
    this.clearProblem = () => {};
    [this.choice, this.what] = ["around", "around-what"].map(byId);
    this.choice.addEventListener("change", () => this.show(this.picks()[this.choice.value]));
    this.what.addEventListener("change", () => this.start && this.show(this.start));
    state.listen((_, what) => what === "picks" && this.drawChoice());
  }

  /** The possible starting points: the playlist, and the last one used. */
  picks() {
    const picks = this.state.picks.filter((pick) => pick.type !== "title");
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
    const start = this.start ?? this.picks().at(-1) ?? otherwise;
    if (!start) this.drawChoice();
    else if (!this.start || this.stale) this.show(start);
  }

  async show(start) {
    this.start = start;
    this.stale = !this.open; // shown once the tab is open
    this.drawChoice();
    if (!this.open) return;
    this.clearProblem();
    const way = this.what.value;
    byId("graph").setAttribute("aria-busy", "true");
    try {
      const scene = await this.latest.run((signal) =>
        way === "near" ? near(start, signal) : subgraph(start.type, start.id, 2, signal));
      if (scene) this.draw(scene, way);
    } catch (error) {
      this.stale = true;
      const place = byId("around-problem");
      if (error.status === 400) {
        byId("graph").hidden = true; // until another start, or another bundle
        place.replaceChildren();
        element("p", "muted", place, WITHOUT).setAttribute("role", "status");
        this.clearProblem = () => place.replaceChildren();
      } else this.clearProblem = showProblem(place, error, () => this.show(start));
    }
    byId("graph").removeAttribute("aria-busy");
  }

  draw(scene, way) {
    this.view ??= new GraphView(byId("graph"), { onFocus: (node) => this.lookAt(node) });
    this.view.more = way === "links" ? (key) => this.beyond(key) : null;
    byId("graph").hidden = false;
    this.view.show(scene);
    byId("around-hint").textContent = HINTS[way];
    byId("legend").replaceChildren();
    drawLegend(scene, byId("legend"));
    this.lookAt(null);
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
    if (node.type === "playlist") {
      const text = element("div", "song", place);
      const pick = { type: "playlist", id: node.id, name: node.label };
      aboutLink(pick, text, this.about, "name");
      element("span", "by", text, `Playlist · ${node.detail}`);
      return;
    }
    const pick = pickOf(node.type, { ...node, name: node.label, ...node.said });
    // The detail of a track begins with its artist; a name may contain the same separator.
    if (!node.said) pick.artist_name = node.detail.split(" · ").slice(0, -1).join(" · ");
    const text = songText(pick, place, this.about);
    if (node.said?.playlists.length) element("span", "by", text, together(node.said)).dir = "auto";
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

/** Who is near, as a scene for the view. */
async function near({ type, id, name }, signal) {
  const narrow = byId("graph").clientWidth < NARROW;
  const most = narrow ? { artists: 12, tracks: 8 } : { artists: 20, tracks: 16 };
  const found = await nearby(type, id, most, signal);
  const nodes = found.nodes.map((said, at) => ({
    key: `${said.type} ${said.id}`,
    type: said.type,
    id: said.id,
    label: said.name || "(no name)",
    detail: [said.artist_name, together(said)].filter(Boolean).join(" · "),
    degree: Math.max(1, Math.round(100 * said.similarity)),
    role: at ? "" : "start",
    group: -1,
    x: said.x,
    y: said.y,
    said,
  }));
  const title = `Near ${name || "(no name)"}`;
  return { title, note: HINTS.near, layout: "force", groups: [], nodes, edges: [] };
}

function together({ playlists }) {
  return playlists.length ? `together in ${playlists.join(", ")}` : "";
}
