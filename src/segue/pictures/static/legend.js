import { element, make } from "./dom.js";
import { groupOutline, outline } from "./shapes.js";

/** A legend of what a scene shows, into an element. */
export function drawLegend(scene, container) {
  const entry = (shape, text) => {
    const item = element("span", "entry", container);
    const svg = make("svg", { viewBox: "-12 -8 24 16", "aria-hidden": "true" }, item);
    make("path", shape, svg);
    element("span", "", item, text);
  };
  container.classList.add("segue-legend");
  if (scene.layout === "map") {
    scene.groups.forEach((name, at) =>
      entry({ class: `node-shape series-${at}`, d: groupOutline(at, 6) }, name));
    if (scene.nodes.some((node) => node.group < 0))
      entry({ class: "node-shape other", d: groupOutline(-1, 6) }, "other");
    return;
  }
  for (const type of ["playlist", "track", "artist"])
    if (scene.nodes.some((node) => node.type === type))
      entry({ class: `node-shape ${type}`, d: outline(type, 6) }, type);
  const kinds = { interaction: "playlist holds track", structural: "track by artist" };
  for (const [kind, text] of Object.entries(kinds))
    if (scene.edges.some((edge) => edge.kind === kind))
      entry({ class: `edge ${kind}`, d: "M-11 0L11 0" }, text);
  if (scene.layout !== "columns" || !scene.groups.length) return;
  scene.groups.forEach((name, at) =>
    entry({ class: `edge contribution series-${at}`, d: "M-11 0L11 0", "stroke-width": 6 }, name));
}
