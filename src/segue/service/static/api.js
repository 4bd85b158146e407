/** The service's API; answers are JSON, and every failure is an `ApiError` with one sentence. */

import { pickOf } from "./state.js";

const BASE = "api/v1";

export class ApiError extends Error {
  /** `status` 0: the service was not reached. `retryAfter` in seconds, if given. */
  constructor(message, status, retryAfter = null) {
    super(message);
    Object.assign(this, { status, retryAfter });
  }

  /** Whether the same request may well succeed later. */
  get passing() {
    return [0, 429, 502, 503, 504].includes(this.status);
  }
}

async function fetched(path, options) {
  try {
    return await fetch(`${BASE}/${path}`, { credentials: "same-origin", ...options });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    const why = navigator.onLine ? "The service cannot be reached" : "You are offline";
    throw new ApiError(`${why}.`, 0);
  }
}

async function ask(path, options = {}) {
  const response = await fetched(path, options);
  let content = null;
  try {
    content = await response.json();
  } catch (error) {
    if (error.name === "AbortError") throw error;
  }
  if (response.ok && content !== null) return content;
  throw failure(response, content);
}

function failure(response, content) {
  const wait = Number.parseInt(response.headers.get("Retry-After") ?? "", 10);
  return new ApiError(
    content?.error ?? `The service answered with status ${response.status}.`,
    response.ok ? 502 : response.status,
    Number.isNaN(wait) ? null : wait,
  );
}

function post(path, body, signal) {
  const headers = { "Content-Type": "application/json" };
  return ask(path, { method: "POST", headers, body: JSON.stringify(body), signal });
}

const inPath = (id) => encodeURIComponent(id).replaceAll("%3A", ":").replaceAll("%2F", "/");

export const find = (text, signal) =>
  ask(`find?${new URLSearchParams({ text, n: 6, fuzzy: true })}`, { signal });
export const popular = (body, signal) => post("complete", { ...body, tracks: [] }, signal);
export const vibe = (body, signal) => post("vibe", body, signal);
export const similar = (body, signal) => post("similar", body, signal);
let titles = null; // asked once: whether the bundle has learned words of titles
export const hasTitles = () =>
  (titles ??= ask("version").then(({ bundle }) => Boolean(bundle?.has_titles)).catch(() => {
    titles = null;
    return false;
  }));
export const title = (body, signal) => post("title", body, signal);
export const tidy = (body, signal) => post("tidy", body, signal);
export const sort = (body, signal) => post("sort", body, signal);
export const details = (type, id, signal) => ask(`${type}s/${inPath(id)}`, { signal });
export const nearby = (kind, id, most, signal) =>
  ask(`nearby?${new URLSearchParams({ kind, id, ...most })}`, { signal });
export const subgraph = (kind, id, waves, signal) =>
  ask(`subgraph?${new URLSearchParams({ kind, id, waves, limit: 12 })}`, { signal });

/** A list as a file: { name, content }, a Blob. */
export async function exported(body) {
  const headers = { "Content-Type": "application/json" };
  const response = await fetched("export", { method: "POST", headers, body: JSON.stringify(body) });
  if (!response.ok) throw failure(response, await response.json().catch(() => null));
  const said = response.headers.get("Content-Disposition") ?? "";
  const [, whole] = /filename\*=UTF-8''([^;]+)/i.exec(said) ?? [];
  const [, plain] = /filename="([^"]+)"/i.exec(said) ?? [];
  return { name: whole ? decodeURIComponent(whole) : plain, content: await response.blob() };
}

/** What a person's file holds: { playlists: [{ title, songs }], notes }. */
export async function readFile(file) {
  const path = `read?${new URLSearchParams({ name: file.name })}`;
  const headers = { "Content-Type": "application/octet-stream" };
  const said = await ask(path, { method: "POST", headers, body: file });
  const playlists = said.playlists.map(({ title, songs }) => ({
    title: title || file.name,
    songs: songs.map(({ asked, status, track, candidates }) => ({
      asked,
      status,
      pick: track && pickOf("track", track),
      candidates: candidates.map((one) => pickOf("track", one)),
    })),
  }));
  const notes = Object.entries(said.set_aside).map(([what, count]) => `Set aside: ${count} × ${what}.`);
  for (const [name, encoding] of Object.entries(said.guessed))
    notes.push(`${name} is not in UTF-8; read as ${encoding}, which is a guess.`);
  if (said.skipped) notes.push(`${said.skipped} bad records left out. ${said.first_skipped}`);
  return { playlists, notes };
}

/** Runs one request at a time: a newer one aborts the older one, which then returns null. */
export class Latest {
  async run(make) {
    this.stop();
    const own = (this.control = new AbortController());
    try {
      const answer = await make(own.signal);
      return own.signal.aborted ? null : answer;
    } catch (error) {
      if (own.signal.aborted) return null;
      throw error;
    }
  }

  stop() {
    this.control?.abort();
  }
}

/** Debounce: call `act` once no call has come for the given number of milliseconds. */
export function debounced(act, milliseconds) {
  let timer = 0;
  return (...args) => {
    clearTimeout(timer);
    timer = setTimeout(() => act(...args), milliseconds);
  };
}
