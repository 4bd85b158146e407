/** Positions of new nodes, and of labels in boxes. */

/** Put new nodes around one, away from existing ones. */
export function placeBeside(fresh, beside, all) {
  const others = all.filter((node) => node.x !== undefined);
  const [ax, ay] = ["x", "y"].map((a) => others.reduce((sum, n) => sum + beside[a] - n[a], 0));
  const facing = Math.atan2(ay, ax);
  fresh.forEach((node, at) => {
    const angle = facing + (2.6 * (at + 0.5)) / fresh.length - 1.3;
    [node.x, node.y] = [beside.x + 110 * Math.cos(angle), beside.y + 110 * Math.sin(angle)];
  });
  for (let round = 0; round < 60; round++)
    for (const node of fresh) {
      let [fx, fy] = [0, 0];
      for (const other of [...others, ...fresh]) {
        const [dx, dy] = [node.x - other.x, node.y - other.y];
        const far = Math.hypot(dx, dy) || 1;
        const push = other !== node && far < 90 ? (90 - far) / 12 : 0;
        const pull = node.near.has(other) && far > 120 ? (far - 120) / 40 : 0;
        fx += ((push - pull) * dx) / far;
        fy += ((push - pull) * dy) / far;
      }
      node.x += Math.max(-8, Math.min(8, fx));
      node.y += Math.max(-8, Math.min(8, fy));
    }
}

/** Move overlapping nodes apart, without leaving the box; with `free`, only those move. */
export function separate(nodes, kx, ky, free = null) {
  const [[left, right], [top, bottom]] = ["x", "y"].map((axis) => {
    const all = nodes.map((node) => node[axis]);
    return free ? [-Infinity, Infinity] : [Math.min(...all), Math.max(...all)];
  });
  const push = (node, dx, dy) => {
    node.x = Math.max(left, Math.min(right, node.x + dx / kx));
    node.y = Math.max(top, Math.min(bottom, node.y + dy / ky));
  };
  for (let round = 0, some = true; some && round < 80; round++) {
    some = false;
    for (const [at, one] of nodes.entries())
      for (let next = at + 1; next < nodes.length; next++) {
        const other = nodes[next];
        const [dx, dy] = [kx * (other.x - one.x), ky * (other.y - one.y)];
        const need = 1.25 * (one.full + other.full) + 2;
        const far = Math.hypot(dx, dy);
        const moving = [one, other].filter((node) => !free || free.has(node));
        if (far >= need - 0.1 || !moving.length) continue;
        some = true;
        // Two at the same position separate in a direction of their own.
        const [ux, uy] = far > 0.01 ? [dx / far, dy / far] : [Math.cos(next), Math.sin(next)];
        for (const node of moving) {
          const by = ((node === one ? -1 : 1) * (need - far)) / moving.length;
          push(node, by * ux, by * uy);
        }
      }
  }
}

/** The minimum distance between two nodes in the same column. */
export function rowGap(nodes) {
  const order = nodes.sort((one, other) => one.x - other.x || one.y - other.y);
  const gaps = order.slice(1).map((node, at) => [node.x - order[at].x, node.y - order[at].y]);
  return Math.min(...gaps.filter(([dx]) => dx < 1).map(([, dy]) => dy));
}

/** The box of a node; boxes are left, top, right, bottom. */
export function square(node) {
  const [[x, y], r] = [node.spot, node.radius];
  return [x - r, y - r, x + r, y + r, node];
}

/** Put a label into its box; returns the space that others leave for it. */
export function put(text, box) {
  text.setAttribute("x", box[0].toFixed(1));
  text.setAttribute("y", ((box[1] + box[3]) / 2 + 4.5).toFixed(1));
  return [box[0] - 4, box[1], box[2] + 4, box[3]];
}

export function apart(one, other) {
  return one[0] > other[2] || one[2] < other[0] || one[1] > other[3] || one[3] < other[1];
}

/** A name of at most the given number of letters. */
export function cut(text, most) {
  const letters = Array.from(text);
  return letters.length > most ? `${letters.slice(0, most - 1).join("").trimEnd()}…` : text;
}
