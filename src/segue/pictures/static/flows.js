/** Bands of contributions: side by side at both ends, between bars that they fill. */

import { make } from "./dom.js";

const TALLEST = 150; // pixels of a bar, however much flows through it

/**
 * Give each band its offsets at its nodes, in weights down from their centres, and each node a bar.
 * Nodes and edges are those of `GraphView`, on a plane that is `stage` high. Returns the argument
 * of `bandScale`, null if nothing flows.
 */
export function stackBands(nodes, edges, stage) {
  const bands = edges.filter((edge) => edge.kind === "contribution");
  if (!bands.length) return null;
  for (const node of nodes) node.flow = 0;
  // In the order of their other ends, so that they do not cross at the node.
  const ends = [["source", "target", "leave"], ["target", "source", "enter"]];
  for (const [own, other, place] of ends) {
    const through = new Map();
    bands.sort((a, b) => a[other].y - b[other].y || a.group - b.group);
    for (const band of bands) {
      const done = through.get(band[own]) ?? 0;
      band[place] = done + band.weight / 2;
      through.set(band[own], done + band.weight);
    }
    for (const band of bands) band[place] -= through.get(band[own]) / 2;
    for (const [node, all] of through) node.flow = Math.max(node.flow, all);
  }
  // The plane's height per unit of weight, such that no two bars touch.
  let room = Infinity;
  const order = nodes.filter((node) => node.flow).sort((a, b) => a.x - b.x || a.y - b.y);
  order.forEach((node, at) => {
    const [before, next] = [order[at - 1], order[at + 1]];
    const edge = before?.x === node.x ? Infinity : node.y;
    room = Math.min(room, (2 * edge) / node.flow);
    const gap = next?.x === node.x ? next.y - node.y : stage - node.y;
    const beside = next?.x === node.x ? next.flow : 0;
    room = Math.min(room, (2 * gap) / (node.flow + beside));
  });
  for (const node of order) {
    if (node.bar) continue;
    const own = node.role === "seed" && bands.find((band) => band.source === node);
    node.bar = make("line", { class: own ? `flow series-${own.group}` : "flow" }, node.shape);
    node.shape.prepend(node.bar);
  }
  return { most: Math.max(...order.map((node) => node.flow)), room };
}

/** Pixels per unit of weight, where a unit of the plane is `ky` pixels. */
export function bandScale(flows, ky) {
  return Math.min(TALLEST / flows.most, 0.92 * ky * flows.room);
}
