/** Building blocks of lists. Names go in as text, never as HTML. */

import { element, make } from "../graph/dom.js";
import { spotifyPage } from "./export.js";

export { element };

const ICONS = {
  add: "M12 5v14M5 12h14",
  close: "M6 6l12 12M18 6L6 18",
  like: "M12.5 12a.5.5 0 1 1-1 0 .5.5 0 0 1 1 0zM8.5 8.5a5 5 0 0 0 0 7M15.5 8.5a5 5 0 0 1 0 7M5.6 5.6a9 9 0 0 0 0 "
    + "12.8M18.4 5.6a9 9 0 0 1 0 12.8",
  not: "M5.6 5.6l12.8 12.8M21 12a9 9 0 1 1-18 0 9 9 0 0 1 18 0z",
  around: "M12 12L5 6M12 12l8-5M12 12l-2 8M14 12a2 2 0 1 1-4 0 2 2 0 0 1 4 0zM6.5 5.5a1.5 1.5 0 1 1-3 0 "
    + "1.5 1.5 0 0 1 3 0zM21.5 6.5a1.5 1.5 0 1 1-3 0 1.5 1.5 0 0 1 3 0zM11.5 20.5a1.5 1.5 0 1 1-3 0 "
    + "1.5 1.5 0 0 1 3 0z",
  out: "M14 4h6v6M20 4l-9 9M10 5H5v14h14v-5",
  back: "M10 5l-7 7 7 7M3 12h18",
};

export const byId = (id) => document.getElementById(id);

export function icon(name, parent) {
  const svg = make("svg", { viewBox: "0 0 24 24", "aria-hidden": "true", class: "sign" }, parent);
  make("path", { d: ICONS[name] }, svg);
  return svg;
}

/** An icon button; `label` is its name for screen readers and tooltips. */
export function iconButton(sign, label, parent, act, action = sign) {
  const button = element("button", "icon", parent);
  button.type = "button";
  button.title = label;
  button.dataset.action = action;
  button.setAttribute("aria-label", label);
  icon(sign, button);
  button.addEventListener("click", act);
  return button;
}

export function textButton(text, parent, act, look = "") {
  const button = element("button", look, parent, text);
  button.type = "button";
  button.addEventListener("click", act);
  return button;
}

/** The text shown as a name. */
export const called = (pick) => pick.name || "(no name)";

/** Name above artist (and more, if any). */
export function songText(pick, parent) {
  const text = element("div", "song", parent);
  element("span", "name", text, called(pick)).dir = "auto";
  const under = pick.type === "artist" ? "Artist" : pick.artist_name || "Unknown artist";
  element("span", "by", text, under).dir = "auto";
  return text;
}

export function spotifyLink(pick, parent) {
  const page = spotifyPage(pick.id);
  if (!page) return;
  const link = element("a", "icon", parent);
  Object.assign(link, { href: page, target: "_blank", rel: "noopener noreferrer" });
  link.title = `${called(pick)} on Spotify`;
  link.setAttribute("aria-label", `${called(pick)} on Spotify (opens a new tab)`);
  icon("out", link);
}

/**
 * Refill a list without losing the focus: it stays on the same action of the same entry, else moves
 * to the entry now at that position, else to `otherwise`.
 */
export function refill(list, entries, draw, otherwise) {
  const held = document.activeElement?.closest?.("li");
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
  const same = [...(item?.querySelectorAll("button") ?? [])].find(
    (button) => button.dataset.action === action);
  (same ?? item?.querySelector("button") ?? otherwise).focus();
}

let toastTimer = 0;

/** A short message at the bottom of the page, with an optional action. */
export function toast(text, label = "", act = null) {
  const place = byId("toast");
  place.replaceChildren();
  element("span", "", place, text);
  const gone = () => place.replaceChildren();
  if (act)
    textButton(label, place, () => {
      act();
      gone();
    });
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

/**
 * Show why something failed, with a way to retry; temporary failures are retried automatically.
 * Returns a function that clears it.
 */
export function showProblem(place, error, again) {
  place.replaceChildren();
  const box = element("div", "problem", place);
  box.setAttribute("role", "alert");
  element("p", "", box, error.message);
  const clear = () => {
    clearInterval(timer);
    window.removeEventListener("online", retry);
    if (box.parentElement === place) place.replaceChildren();
  };
  const retry = () => {
    const held = box.contains(document.activeElement);
    clear();
    if (held) place.closest("section")?.querySelector("h2:not([hidden])")?.focus();
    again();
  };
  let timer = 0;
  textButton("Try again", box, retry);
  if (!error.passing) return clear;
  let left = Math.min(60, Math.max(2, error.retryAfter ?? 5));
  const wait = element("p", "muted", box);
  wait.setAttribute("aria-live", "off");
  const tick = () => {
    if (left <= 0) retry();
    else wait.textContent = `Trying again in ${counted(left, "second")}.`;
    left -= 1;
  };
  tick();
  timer = setInterval(tick, 1000);
  window.addEventListener("online", retry);
  return clear;
}
