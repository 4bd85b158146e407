/**
 * The playlist in the address, for sharing and returning, and in the browser's storage.
 *
 *   #name=Road+trip&track=spotify:track:1&track=…&artist=…&title=…&dial=0.4&per=3&question=next
 *
 * #playlist=… starts from a playlist of the bundle.
 */

import { PER_ARTIST, QUESTION } from "./state.js";

const STORED = "segue.playlist";
const BEFORE = "segue.before"; // the user's own, while a shared one is shown
const TYPES = new Set(["track", "artist", "title"]);
export const MOST = 500; // picks of a playlist that its address holds

/** The part of the address after "#", "" for an untouched page. */
function toAddress({ picks, name, dial, perArtist, question }) {
  // These need no escaping, and make ids readable.
  const written = (text) =>
    encodeURIComponent(text.toWellFormed?.() ?? text).replaceAll("%3A", ":").replaceAll("%2F", "/");
  const parts = name ? [`name=${written(name)}`] : [];
  for (const { type, id } of picks.slice(0, MOST)) parts.push(`${type}=${written(id)}`);
  if (dial) parts.push(`dial=${dial}`);
  if (perArtist !== PER_ARTIST) parts.push(`per=${perArtist}`);
  if (question !== QUESTION) parts.push(`question=${question}`);
  return parts.join("&");
}

/** The contents of an address: { picks: [{ type, id }], playlist, name, dial, perArtist, question }. */
export function fromAddress(hash) {
  const said = new URLSearchParams(hash.replace(/^#/, ""));
  const seen = new Set();
  const picks = [];
  for (const [type, id] of said) {
    if (!TYPES.has(type) || !id || seen.has(`${type} ${id}`)) continue;
    seen.add(`${type} ${id}`);
    if (picks.length < MOST) picks.push({ type, id });
  }
  const dial = Number.parseFloat(said.get("dial") ?? "0");
  const per = Number.parseInt(said.get("per") ?? "", 10);
  return {
    picks,
    playlist: said.get("playlist"),
    name: (said.get("name") ?? "").slice(0, 100),
    dial: Number.isFinite(dial) ? Math.min(1, Math.max(-1, dial)) : 0,
    perArtist: [0, 1, 2, 3, 5].includes(per) ? per : PER_ARTIST,
    question: said.get("question") === "next" ? "next" : QUESTION,
  };
}

/** The full address of a playlist. */
export function linkTo(state) {
  const address = toAddress(state);
  return location.href.split("#")[0] + (address ? `#${address}` : "");
}

export function showAddress(state) {
  history.replaceState(null, "", linkTo(state));
}

// Storage may be disabled; then only the address keeps the playlist.
function stored(act) {
  try {
    return act(localStorage);
  } catch {
    return null;
  }
}

export function remember(state) {
  const { picks, excluded, name, settings } = state;
  const kept = JSON.stringify({ picks, excluded, name, ...settings });
  stored((storage) => storage.setItem(STORED, kept));
}

function read(key) {
  const kept = stored((storage) => JSON.parse(storage.getItem(key) ?? "null"));
  const lists = Array.isArray(kept?.picks) && Array.isArray(kept?.excluded);
  return lists && typeof kept.name === "string" ? kept : null;
}

export const remembered = () => read(STORED);
export const before = () => read(BEFORE);

export function keepBefore(kept) {
  stored((storage) => storage.setItem(BEFORE, JSON.stringify(kept)));
}

export function forgetBefore() {
  stored((storage) => storage.removeItem(BEFORE));
}
