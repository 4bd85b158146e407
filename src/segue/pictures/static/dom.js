/** Elements, without a framework. */

const SVG = "http://www.w3.org/2000/svg";

/** Whether an element belongs to the focused node or a neighbour of it. */
export function showNear(part, node, marked) {
  part.classList.toggle("near", node === marked || Boolean(marked?.near.has(node)));
  part.classList.toggle("current", node === marked);
}

export function make(name, attributes, parent) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return parent.appendChild(made);
}

export function element(name, className, parent, text = "") {
  const made = document.createElement(name);
  if (className) made.className = className;
  made.textContent = text;
  return parent.appendChild(made);
}
