/** Building blocks of lists. Names go in as text, never as HTML. */

import { element } from "../graph/dom.js";
import { icon } from "./icons.js";
import { listenPage } from "./links.js";

export { element };

export const byId = (id) => document.getElementById(id);

/** A button with an icon and a word; `label` is its whole name, for screen readers and tooltips. */
export function toolButton(sign, word, label, parent, act, action = sign) {
  const button = element("button", "tool", parent);
  button.type = "button";
  button.dataset.action = action;
  tool(button, sign, word, label);
  button.addEventListener("click", act);
  return button;
}

function tool(made, sign, word, label) {
  made.title = label;
  made.setAttribute("aria-label", label);
  icon(sign, made);
  element("span", "word", made, word);
}

export function textButton(text, parent, act, look = "") {
  const button = element("button", look, parent, text);
  button.type = "button";
  button.addEventListener("click", act);
  return button;
}

/** The text shown as a name. */
export const called = (pick) => pick.name || "(no name)";

export const quote = (name) => `“${name || "(no name)"}”`;

/** Some names in a sentence, at most `most` of them. */
export function quoted(names, most = 2) {
  const shown = names.slice(0, most).map(quote).join(", ");
  return names.length > most ? `${shown} and ${names.length - most} more` : shown;
}

/** Name above artist; with `about`, the artist is a link that calls it with the artist. */
export function songText(pick, parent, about = null) {
  const text = element("div", "song", parent);
  element("span", "name", text, called(pick)).dir = "auto";
  if (about && pick.artist_id) {
    aboutLink({ type: "artist", id: pick.artist_id, name: pick.artist_name }, text, about, "by");
    return text;
  }
  const kinds = { artist: "Artist", title: "Playlists with this title" };
  element("span", "by", text, kinds[pick.type] ?? (pick.artist_name || "Unknown artist")).dir = "auto";
  return text;
}

/** A link to an artist or a playlist: opened in another tab, the page starts from there. */
export function aboutLink(pick, parent, about, look = "") {
  const link = element("a", look, parent, called(pick));
  link.dir = "auto";
  link.href = `#${pick.type}=${encodeURIComponent(pick.id)}`;
  link.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    about(pick);
  });
  return link;
}

/** A link to where a song can be heard. */
export function listenLink(pick, parent) {
  const { where, href } = listenPage(pick);
  const link = element("a", "tool", parent);
  Object.assign(link, { href, target: "_blank", rel: "noopener noreferrer" });
  link.dataset.action = "listen";
  tool(link, "listen", "Listen", `Listen to ${called(pick)} on ${where} (opens a new tab)`);
  return link;
}

/**
 * Refill a list without losing the focus: it stays on the same action of the same entry, else moves
 * to the entry now at that position, else to `otherwise`.
 */
export function refill(list, entries, draw, otherwise) {
  const held = document.activeElement?.closest?.("li[data-key]");
  const had = held?.parentElement === list;
  const place = had ? [...list.children].indexOf(held) : -1;
  const { key } = held?.dataset ?? {};
  const action = document.activeElement?.dataset?.action;
  list.replaceChildren();
  for (const entry of entries) {
    const item = element("li", "", list);
    item.dataset.key = `${entry.type} ${entry.id}`;
    draw(entry, item);
  }
  if (!had) return;
  const items = [...list.children];
  const item = items.find((one) => one.dataset.key === key)
    ?? items[Math.min(place, items.length - 1)];
  const all = [...(item?.querySelectorAll("[data-action]") ?? [])];
  (all.find((one) => one.dataset.action === action) ?? all[0] ?? otherwise).focus();
}

let toastTimer = 0;

/** A short message in the bar at the top, where it covers no song, with an optional action. */
export function toast(text, label = "", act = null) {
  const place = byId("toast");
  const gone = () => place.replaceChildren();
  gone();
  element("span", "", place, text);
  if (act)
    textButton(label, place, () => {
      act();
      gone();
    });
  textButton("×", place, gone).setAttribute("aria-label", "Close this message");
  clearTimeout(toastTimer);
  // Not while it is being used.
  const later = () => {
    toastTimer = setTimeout(() => {
      if (place.matches(":hover, :focus-within")) later();
      else gone();
    }, 8000);
  };
  later();
}

/** For screen readers only. */
export function say(text) {
  byId("said").textContent = text;
}

export const counted = (count, one) => `${count} ${one}${count === 1 ? "" : "s"}`;
