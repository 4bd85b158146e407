/** Outlines of marks around the origin, as in segue.pictures.style, as SVG paths. */

/** The outline of a node type, `r` from its centre to its side. */
export function outline(type, r) {
  if (type === "playlist") return `M${-r} ${-r}H${r}V${r}H${-r}Z`;
  if (type === "artist") return polygon(1.25 * r, 4);
  return `M${-r} 0A${r} ${r} 0 1 1 ${r} 0A${r} ${r} 0 1 1 ${-r} 0Z`;
}

/** The outline of a group, by index; distinguishable without colour. */
export function groupOutline(group, r) {
  const b = 0.36 * r;
  const plus = `M${-b} ${-r}H${b}V${-b}H${r}V${b}H${b}V${r}H${-b}V${b}H${-r}V${-b}H${-b}Z`;
  const [u, v] = [0.4 * r, 0.6 * r];
  const cross = `M${-r} ${-v}L${-v} ${-r}L0 ${-u}L${v} ${-r}L${r} ${-v}L${u} 0L${r} ${v}L${v} ${r}`
    + `L0 ${u}L${-v} ${r}L${-r} ${v}L${-u} 0Z`;
  const marks = [
    outline("track", r), outline("playlist", 0.9 * r), polygon(1.25 * r, 3), outline("artist", r),
    polygon(1.25 * r, 3, Math.PI), plus, cross, polygon(1.35 * r, 10, 0, 0.45),
  ];
  return marks[group] ?? marks[0];
}

/** Corners on a circle, the first one on top; a smaller radius for every second one makes a star.
*/
function polygon(r, corners, turn = 0, inward = 1) {
  const at = (corner) => {
    const angle = turn + (2 * Math.PI * corner) / corners;
    const far = corner % 2 ? r * inward : r;
    return `${(far * Math.sin(angle)).toFixed(2)} ${(-far * Math.cos(angle)).toFixed(2)}`;
  };
  return `M${Array.from({ length: corners }, (_, corner) => at(corner)).join("L")}Z`;
}
