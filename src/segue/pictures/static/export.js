import { GraphView } from "./graph_view.js";
import { drawLegend } from "./legend.js";

// The scene is embedded in the page, including what lies beyond.
const scene = JSON.parse(document.getElementById("scene").textContent);
document.getElementById("title").textContent = scene.title;
document.getElementById("note").textContent = scene.note;
drawLegend(scene, document.getElementById("legend"));
const known = new Map([...scene.nodes, ...scene.beyond.nodes].map((node) => [node.key, node]));
const shown = new Set(scene.nodes.map((node) => node.key));
const joined = new Map();
for (const edge of [...scene.edges, ...scene.beyond.edges])
  for (const [one, other] of [[edge.source, edge.target], [edge.target, edge.source]])
    joined.set(one, [...(joined.get(one) ?? []), other]);

/** Up to twelve neighbours not shown yet, and all edges among the nodes then shown. */
function more(key) {
  const keys = (joined.get(key) ?? []).filter((other) => !shown.has(other)).slice(0, 12);
  for (const other of keys) shown.add(other);
  const edges = scene.beyond.edges.filter((e) => shown.has(e.source) && shown.has(e.target));
  return { nodes: keys.map((other) => known.get(other)), edges };
}

const walkable = scene.beyond.nodes.length > 0;
for (const words of document.querySelectorAll(".walk")) words.hidden = !walkable;
const view = new GraphView(document.getElementById("graph"), { more: walkable ? more : null });
view.show(scene);
