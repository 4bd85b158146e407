/** What mouse, touch and keyboard do to a view. */

/** Let a view be panned, zoomed and expanded. */
export function listen(view) {
  const { svg, pointers } = view;
  svg.addEventListener("wheel", (event) => {
    event.preventDefault();
    view.zoom(Math.exp(-event.deltaY / 400), event.offsetX, event.offsetY);
  }, { passive: false });
  svg.addEventListener("pointerdown", (event) => {
    if (!event.target.closest(".node")) view.focus(null);
    pointers.set(event.pointerId, event);
    view.moved = 0;
  });
  window.addEventListener("pointermove", (event) => {
    const before = pointers.get(event.pointerId);
    if (!before) return;
    view.moved += Math.hypot(event.clientX - before.clientX, event.clientY - before.clientY);
    const other = [...pointers.values()].find((p) => p.pointerId !== event.pointerId);
    if (other) {
      const box = svg.getBoundingClientRect();
      const span = (p) => Math.hypot(p.clientX - other.clientX, p.clientY - other.clientY) || 1;
      view.zoom(span(event) / span(before), other.clientX - box.left, other.clientY - box.top);
    } else {
      view.tx += event.clientX - before.clientX;
      view.ty += event.clientY - before.clientY;
      view.draw();
    }
    pointers.set(event.pointerId, event);
  });
  for (const end of ["pointerup", "pointercancel"])
    window.addEventListener(end, (event) => pointers.delete(event.pointerId));
  view.container.addEventListener("keydown", (event) => press(view, event));
}

function press(view, event) {
  const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  const act = { "+": () => view.zoom(1.25), "-": () => view.zoom(0.8), 0: () => view.fit() };
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const [key, node] = [event.key, view.current];
  if (key in act) act[key]();
  else if (key === "Escape" && node) {
    view.focus(null);
    node.shape.blur();
  } else if (node && event.target === node.shape) {
    if (key === "Enter" || key === " ") view.walk(node.key);
    else if (key in step) view.focus((towards(view, node, step[key]) ?? node).key);
    else return;
  } else return;
  event.preventDefault();
}

/** The nearest node in a direction; sideways distance counts more. */
function towards(view, node, [dx, dy]) {
  let [best, least] = [null, Infinity];
  const [x, y] = view.at(node);
  for (const other of view.nodes.values()) {
    const [ox, oy] = view.at(other);
    const along = (ox - x) * dx + (oy - y) * dy;
    const aside = Math.abs((ox - x) * dy) + Math.abs((oy - y) * dx);
    if (other !== node && along > 1 && along + 2.5 * aside < least)
      [best, least] = [other, along + 2.5 * aside];
  }
  return best;
}
