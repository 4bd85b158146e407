/** Icons as SVG paths; they stand beside a word or have a name of their own. */

import { make } from "../graph/dom.js";

const DOT = "a.5.5 0 1 1-1 0 .5.5 0 0 1 1 0z";

const ICONS = {
  add: "M12 5v14M5 12h14",
  around: "M12 12L5 6M12 12l8-5M12 12l-2 8M14 12a2 2 0 1 1-4 0 2 2 0 0 1 4 0zM6.5 5.5a1.5 1.5 0 1 1-3 0 "
    + "1.5 1.5 0 0 1 3 0zM21.5 6.5a1.5 1.5 0 1 1-3 0 1.5 1.5 0 0 1 3 0zM11.5 20.5a1.5 1.5 0 1 1-3 0 "
    + "1.5 1.5 0 0 1 3 0z",
  artist: "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM5 20c.6-4 3.4-5.5 7-5.5s6.4 1.5 7 5.5",
  bring: "M12 4v11M7.5 10.5 12 15l4.5-4.5M4 16v4h16v-4",
  close: "M6 6l12 12M18 6L6 18",
  done: "M5 13l4.5 4.5L19 7.5",
  like: `M12.5 12${DOT}M8.5 8.5a5 5 0 0 0 0 7M15.5 8.5a5 5 0 0 1 0 7M5.6 5.6a9 9 0 0 0 0 `
    + "12.8M18.4 5.6a9 9 0 0 1 0 12.8",
  listen: "M8 5.5v13l11-6.5z",
  more: "M7 10l5 5 5-5",
  not: "M5.6 5.6l12.8 12.8M21 12a9 9 0 1 1-18 0 9 9 0 0 1 18 0z",
  options: "M4 8h9M19 8h1M4 16h1M11 16h9M16 10.5a2.5 2.5 0 1 1 0-5 2.5 2.5 0 0 1 0 5zM8 18.5a2.5 2.5 "
    + "0 1 1 0-5 2.5 2.5 0 0 1 0 5z",
  playlist: "M4 7h11M4 12h11M4 17h7M18 15.5a2 2 0 1 1-4 0 2 2 0 0 1 4 0zM18 15.5V8l3 1",
  save: "M12 4v11M7.5 10.5 12 15l4.5-4.5M4 20h16",
  share: "M10 14a4 4 0 0 0 6 0l3-3a4 4 0 0 0-6-6l-1 1M14 10a4 4 0 0 0-6 0l-3 3a4 4 0 0 0 6 6l1-1",
  title: "M5 7V5h14v2M12 5v14M9 19h6",
};

export function icon(name, parent) {
  const svg = make("svg", { viewBox: "0 0 24 24", "aria-hidden": "true", class: "sign" }, parent);
  make("path", { d: ICONS[name] }, svg);
  return svg;
}
