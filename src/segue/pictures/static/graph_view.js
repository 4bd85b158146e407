/**
 * The interactive graph view: pan, zoom, hover, click to expand; by mouse, touch and keyboard.
 *
 *   import { GraphView } from "./graph_view.js";
 *   const view = new GraphView(element, { more: async (key) => ({ nodes, edges }) });
 *   view.show(scene);
 *
 * A scene is what `Scene.to_json()` in Python gives:
 *
 *   { title, note, layout: "force" | "columns" | "rings" | "map", groups: [name, …],
 *     nodes: [{ key, type, label, detail, degree, role, group, x, y }, …],   x and y in 0 … 1
 *     edges: [{ source: key, target: key, kind }, …] }    contributions with weight and group
 *
 * Options, all of them optional:
 *   more(key)     what lies beyond a node, as { nodes, edges } or a promise of it; nodes without
 *                 x and y are placed beside the node, those that are there already stay.
 *   onFocus(node) called with the focused node (null: none).
 *
 * Text goes in as text, never as HTML; styles come from graph_view.css, so it works under a strict
 * CSP.
 */

import { element, make, showNear } from "./dom.js";
import { bandScale, stackBands } from "./flows.js";
import { listen } from "./input.js";
import { apart, cut, placeBeside, put, rowGap, separate, square } from "./place.js";
import { groupOutline, outline } from "./shapes.js";

const STAGE = 1000; // width and height of the plane that nodes stand on; `fit` scales it
const MANY = 600; // nodes from which on they are drawn small

export class GraphView {
  constructor(container, { more = null, onFocus = () => {} } = {}) {
    Object.assign(this, { container, more, onFocus });
    container.classList.add("segue-graph");
    this.svg = make("svg", { role: "group", "aria-roledescription": "graph" }, container);
    this.edgeLayer = make("g", { class: "edges", "aria-hidden": "true" }, this.svg);
    this.nodeLayer = make("g", { class: "nodes" }, this.svg);
    this.labelLayer = make("g", { class: "labels", "aria-hidden": "true" }, this.svg);
    this.status = element("p", "status", container);
    this.status.setAttribute("role", "status");
    this.tip = element("div", "tip", container);
    this.tip.hidden = true;
    this.bar = element("div", "bar", container);
    const button = (sign, name, act) => {
      const made = element("button", "", this.bar, sign);
      made.type = "button";
      made.title = name;
      made.setAttribute("aria-label", name);
      made.addEventListener("click", act);
    };
    button("+", "Zoom in", () => this.zoom(1.4));
    button("−", "Zoom out", () => this.zoom(1 / 1.4));
    button("⤢", "Show all", () => this.fit());
    this.pen = document.createElement("canvas").getContext("2d");
    [this.pointers, this.moved] = [new Map(), 0];
    listen(this);
    new ResizeObserver(() => this.fit()).observe(container);
  }

  /** Replace the current scene. */
  show(scene) {
    this.layout = scene.layout;
    [this.nodes, this.edges] = [new Map(), new Map()];
    for (const layer of [this.edgeLayer, this.nodeLayer, this.labelLayer]) layer.replaceChildren();
    this.small = scene.nodes.length > MANY;
    this.container.classList.toggle("small", this.small);
    this.letters = Math.max(10, Math.min(34, Math.round(this.size().width / 29)));
    [this.current, this.painted] = [null, ""];
    this.svg.setAttribute("aria-label", `${scene.title}. ${scene.note}`);
    this.add(scene);
    this.rowGap = this.layout === "columns" ? rowGap([...this.nodes.values()]) : Infinity;
    this.groupNames = this.layout === "map" ? this.nameGroups(scene.groups) : [];
    this.fit();
  }

  /** Add nodes and edges; existing ones are left unchanged. */
  add({ nodes, edges }, beside = null) {
    const fresh = [];
    for (const data of nodes) {
      if (this.nodes.has(data.key)) continue;
      const node = { ...data, near: new Set() };
      if (data.x === undefined) fresh.push(node);
      else Object.assign(node, { x: STAGE * data.x, y: STAGE * data.y });
      this.nodes.set(node.key, node);
    }
    for (const edge of edges) {
      const [source, target] = [this.nodes.get(edge.source), this.nodes.get(edge.target)];
      const key = `${edge.source} ${edge.target} ${edge.group ?? -1}`;
      if (!source || !target || this.edges.has(key)) continue;
      source.near.add(target);
      target.near.add(source);
      this.edges.set(key, { ...edge, source, target });
    }
    if (beside) placeBeside(fresh, beside, [...this.nodes.values()]);
    const most = {};
    for (const { type, degree } of this.nodes.values())
      most[type] = Math.max(most[type] ?? 1, degree);
    const flows = [...this.edges.values()].some((edge) => edge.kind === "contribution");
    for (const node of this.nodes.values()) {
      // In flow pictures, bars show how much flows.
      const size = flows ? 0.2 : Math.sqrt(node.degree / most[node.type]);
      node.full = this.small ? 3 : 4 + 7 * size;
      if (!node.shape) this.drawNode(node);
      const [mark, kind] = this.layout === "map" ? [groupOutline, "group"] : [outline, "type"];
      node.mark.setAttribute("d", mark(node[kind], node.full));
      const edges = this.edges.size ? `edges shown: ${node.near.size}` : "";
      const what = [node.label, node.type, node.detail, edges];
      node.shape.setAttribute("aria-label", what.filter(Boolean).join(", "));
    }
    for (const edge of this.edges.values()) {
      if (edge.path) continue;
      const group = edge.kind === "contribution" ? ` series-${edge.group}` : "";
      const start = [edge.source, edge.target].some((node) => node.role === "start");
      const weight = start ? " of-start" : edge.faint ? " faint" : "";
      const look = `edge ${edge.kind}${group}${weight}`;
      edge.path = make("path", { class: look }, this.edgeLayer);
    }
    this.flows = stackBands([...this.nodes.values()], [...this.edges.values()], STAGE);
    if (beside && !this.small) separate([...this.nodes.values()], this.kx, this.ky, new Set(fresh));
    const faint = Math.min(0.6, Math.max(0.18, 8 / Math.sqrt(this.edges.size)));
    this.container.style.setProperty("--faint", faint.toFixed(2));
    const find = (selector) => this.nodeLayer.querySelector(selector);
    if (!find("[tabindex='0']")) (find(".start") ?? find("*"))?.setAttribute("tabindex", "0");
    return fresh;
  }

  drawNode(node) {
    const group = node.group >= 0 ? ` series-${node.group}` : "";
    const kind = this.layout === "map" ? "" : node.type;
    const look = `node ${kind} ${node.role ?? ""}${group}`;
    node.shape = make("g", { class: look, role: "button", tabindex: "-1" }, this.nodeLayer);
    node.mark = make("path", {}, node.shape);
    const words = cut(node.label, this.letters);
    this.pen.font = `${node.role === "start" ? "bold " : ""}13px system-ui, sans-serif`;
    node.wide = this.pen.measureText(words).width;
    node.text = null; // made when it is shown for the first time: of many nodes few have room
    node.write = () => this.write(words, node.role === "start" ? "start" : "");
    const leftmost = this.layout === "columns" ? node.x < 1 : node.x < STAGE / 2 - 1;
    node.left = leftmost && (this.layout === "columns" || this.layout === "rings");
    node.shape.addEventListener("pointerenter", () => this.hover(node));
    node.shape.addEventListener("pointerleave", () => this.hover(null));
    node.shape.addEventListener("focus", () => this.focus(node.key));
    // A drag that began on a node is not a click.
    node.shape.addEventListener("click", () => this.moved < 5 && this.walk(node.key));
  }

  write(words, look) {
    const text = make("text", { class: look }, this.labelLayer);
    text.textContent = words;
    return text;
  }

  /** Names of the groups of a map, each at the centre of its nodes. */
  nameGroups(groups) {
    const middle = (places) => places.sort((a, b) => a - b)[places.length >> 1];
    return groups.flatMap((name, at) => {
      const own = [...this.nodes.values()].filter((node) => node.group === at);
      const [x, y] = ["x", "y"].map((axis) => middle(own.map((node) => node[axis])));
      if (!own.length) return [];
      const words = cut(name, this.letters);
      this.pen.font = "bold 13px system-ui, sans-serif";
      return [{ x, y, text: this.write(words, "group"), wide: this.pen.measureText(words).width }];
    });
  }

  /** Focus a node: highlight it and its neighbours. */
  focus(key) {
    const node = this.nodes.get(key) ?? null;
    if (node === this.current) return;
    this.current = node;
    if (node) {
      this.svg.querySelector("[tabindex='0']")?.setAttribute("tabindex", "-1");
      node.shape.setAttribute("tabindex", "0");
      if (document.activeElement !== node.shape) node.shape.focus({ preventScroll: true });
      const [x, y] = this.at(node);
      const { width, height } = this.size();
      if (x < 20 || y < 20 || x > width - 20 || y > height - 20) this.centre(node);
    }
    this.mark(node);
    this.onFocus(node);
  }

  /** Expand: focus a node and add what lies beyond it. */
  async walk(key) {
    this.focus(key);
    const node = this.nodes.get(key);
    if (!node || !this.more) return;
    try {
      const fresh = this.add(await this.more(key), node);
      const count = fresh.length === 1 ? "1 more node" : `${fresh.length || "no"} more nodes`;
      this.status.textContent = `${node.label}: ${count}`;
      if (fresh.length) this.centre(node);
      this.mark(this.current);
    } catch (error) {
      this.status.textContent = `Nothing more could be loaded: ${error.message}`;
    }
  }

  hover(node) {
    this.mark(node ?? this.current);
    this.tip.hidden = !node;
    if (!node) return;
    this.tip.replaceChildren();
    element("strong", "", this.tip, node.label);
    element("span", "", this.tip, [node.type, node.detail].filter(Boolean).join(" · "));
    const [x, y] = this.at(node);
    this.tip.style.left = `${Math.min(x + 14, this.size().width - this.tip.offsetWidth - 8)}px`;
    this.tip.style.top = `${Math.max(8, y - this.tip.offsetHeight - 12)}px`;
  }

  mark(node) {
    // Dimming very many nodes would take too long; without edges all would be dimmed.
    const dims = Boolean(node) && !this.small && this.edges.size > 0;
    this.container.classList.toggle("looking", dims);
    for (const other of this.small ? [this.marked, node] : this.nodes.values())
      if (other) showNear(other.shape, other, node);
    this.marked = node;
    for (const { path, source, target } of this.edges.values())
      path.classList.toggle("near", source === node || target === node);
    this.draw();
  }

  /** Zoom to fit everything. */
  fit() {
    if (!this.nodes?.size) return;
    const { width, height } = this.size();
    const all = [...this.nodes.values()];
    const [xs, ys] = ["x", "y"].map((axis) => all.map((node) => node[axis]));
    // Bars need the whole height.
    const [left, top] = [Math.min(...xs), this.flows ? 0 : Math.min(...ys)];
    const [wide, tall] = [Math.max(...xs) - left, (this.flows ? STAGE : Math.max(...ys)) - top];
    // Labels of columns and rings lie outside the outermost nodes.
    const outside = this.layout === "columns" || this.layout === "rings";
    const [before, after] = [-1, 1].map((side) => {
      const outer = all.filter((node) => side * (node.x - left - wide / 2) >= 0.45 * wide);
      const widest = Math.max(...outer.map((node) => node.wide));
      return outside ? Math.min(widest + 24, 0.3 * width) : 50;
    });
    const { offsetLeft: x, offsetTop: y, offsetWidth, offsetHeight } = this.bar;
    this.corner = [x, y, x + offsetWidth, y + offsetHeight];
    const above = this.corner[3] + 14; // nothing lies under the buttons
    const room = [Math.max(1, width - before - after), Math.max(1, height - above - 32)];
    this.kx = wide ? room[0] / wide : 1;
    this.ky = tall ? room[1] / tall : 1;
    // Only rings must stay round; other layouts may fill the space.
    if (this.layout === "rings") this.kx = this.ky = Math.min(this.kx, this.ky);
    this.tx = (width + before - after) / 2 - this.kx * (left + wide / 2);
    this.ty = above + room[1] / 2 - this.ky * (top + tall / 2);
    if (this.layout === "force" && !this.small) separate(all, this.kx, this.ky);
    this.draw();
  }

  zoom(factor, x = this.size().width / 2, y = this.size().height / 2) {
    factor = Math.min(Math.max(factor, 0.05 / this.kx), 40 / this.kx);
    this.tx = x - factor * (x - this.tx);
    this.ty = y - factor * (y - this.ty);
    this.kx *= factor;
    this.ky *= factor;
    this.draw();
  }

  centre(node) {
    const { width, height } = this.size();
    this.tx = width / 2 - this.kx * node.x;
    this.ty = height / 2 - this.ky * node.y;
    this.draw();
  }

  size() {
    return { width: this.container.clientWidth || 800, height: this.container.clientHeight || 600 };
  }

  at(node) {
    return [this.kx * node.x + this.tx, this.ky * node.y + this.ty];
  }

  /** Paint once before the next frame. */
  draw() {
    this.frame ??= requestAnimationFrame(() => this.paint());
  }

  paint() {
    this.frame = null;
    const view = [this.kx, this.ky, this.tx, this.ty, this.nodes.size, this.edges.size].join(" ");
    if (view !== this.painted) this.paintNodes();
    this.painted = view;
    this.paintLabels();
  }

  paintNodes() {
    // Marks in the same column must not overlap.
    const scale = Math.min(1, Math.max(0.4, (this.ky * this.rowGap) / 24));
    for (const node of this.nodes.values()) {
      const [x, y] = (node.spot = this.at(node));
      node.radius = scale * node.full;
      const place = `translate(${x.toFixed(1)} ${y.toFixed(1)}) scale(${scale.toFixed(3)})`;
      node.shape.setAttribute("transform", place);
    }
    const level = this.layout === "columns";
    const thick = this.flows ? bandScale(this.flows, this.ky) : 0;
    for (const { bar, flow } of this.nodes.values()) {
      const half = Math.max(4, (thick * flow) / 2) / scale;
      bar?.setAttribute("y1", -half);
      bar?.setAttribute("y2", half);
    }
    for (const { path, source, target, weight, leave = 0, enter = 0 } of this.edges.values()) {
      const [x1, x2] = [source.spot[0], target.spot[0]];
      const [y1, y2] = [source.spot[1] + thick * leave, target.spot[1] + thick * enter];
      if (thick && weight) path.setAttribute("stroke-width", Math.max(0.5, thick * weight));
      const bend = (x2 - x1) / 2;
      const way = level ? `C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}` : `L${x2} ${y2}`;
      path.setAttribute("d", `M${x1} ${y1}${way}`);
    }
  }

  /** Show as many labels as fit: the focused node first, then by role and size. */
  paintLabels() {
    const { width, height } = this.size();
    const near = (node) => Boolean(this.marked?.near.has(node));
    const first = (node) =>
      4 * (node === this.marked) + 2 * near(node) + Boolean(node.role) + node.radius / 100;
    const order = [...this.nodes.values()].sort((a, b) => first(b) - first(a));
    const taken = [this.corner, ...(this.small ? [] : order.map(square))];
    for (const name of this.groupNames) {
      const [x, y] = this.at(name);
      const heights = [0, -18, 18, -36, 36].map((up) => y + up);
      const boxes = heights.map((at) => [x - name.wide / 2, at - 9, x + name.wide / 2, at + 9]);
      const box = boxes.find((one) => taken.every((other) => other[4] || apart(one, other)));
      name.text.classList.toggle("hidden", !box);
      if (box) taken.push(put(name.text, box));
    }
    let left = this.layout === "map" ? 36 : Infinity;
    for (const node of order) {
      const [x, y] = node.spot;
      const far = node.radius + 5;
      const high = this.layout === "columns" ? 7 : 8;
      const sides = [x + far, x - far - node.wide].map(
        (at) => [at, y - high, at + node.wide, y + high]);
      if (node.left) sides.reverse();
      if (this.layout === "columns") sides.pop();
      else for (const side of [-1, 1]) {
        const middle = y + side * (far + high);
        sides.push([x - node.wide / 2, middle - high, x + node.wide / 2, middle + high]);
      }
      const inside = (box) => (box[0] > 0 && box[2] < width) || this.layout === "columns";
      const free = (box) => taken.every((other) => other[4] === node || apart(box, other));
      const must = node === this.marked || node.role === "start";
      const seen = (must || left > 0) && x > 0 && y > 0 && x < width && y < height;
      const box = seen && (sides.find((side) => inside(side) && free(side)) ?? (must && sides[0]));
      node.text?.classList.toggle("hidden", !box);
      if (!box) continue;
      node.text ??= node.write();
      showNear(node.text, node, this.marked);
      taken.push(put(node.text, box));
      left -= 1;
    }
  }
}
