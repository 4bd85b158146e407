/** Failures: one sentence, and a way to try again. */

import { byId, counted, element, textButton } from "./parts.js";

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

/** A line at the top of the page that stays until it is dismissed. */
export function notice(text, choices = {}) {
  const box = element("div", "notice", byId("notices"));
  box.setAttribute("role", "status");
  element("p", "", box, text);
  for (const [label, act] of Object.entries({ Dismiss: () => {}, ...choices }).reverse())
    textButton(label, box, () => {
      box.remove();
      byId("playlist-heading").focus();
      act();
    });
}
