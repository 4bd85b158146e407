/**
 * The playlists that a person brought, kept while the page is open.
 *
 * A list is { key, title, songs: [{ asked, status: "found" | "unsure" | "missing", pick, candidates }] };
 * `pick` is the song taken, null where there is none (yet), `candidates` are picks.
 */

import { same } from "./state.js";

export class Lists {
  constructor() {
    Object.assign(this, { all: [], listeners: [], count: 0 });
  }

  /** Call `act()` after each change. */
  listen(act) {
    this.listeners.push(act);
  }

  tell() {
    for (const act of this.listeners) act();
  }

  add(lists) {
    for (const list of lists) {
      const key = String((this.count += 1));
      this.all.push({ ...list, key, title: this.free(list.title || "Without a title") });
    }
    this.tell();
  }

  /** A title that no list has yet. */
  free(title) {
    const taken = new Set(this.all.map((list) => list.title));
    let [tried, number] = [title, 1];
    while (taken.has(tried)) tried = `${title} (${(number += 1)})`;
    return tried;
  }

  remove(list) {
    this.all = this.all.filter((other) => other !== list);
    this.tell();
  }

  withKey(key) {
    return this.all.find((list) => list.key === key);
  }

  withTitle(title) {
    return this.all.find((list) => list.title === title);
  }

  /** Put songs at the end of a list; returns those that it did not hold. */
  put(list, picks) {
    const held = picksOf(list);
    const fresh = picks.filter((pick) => !held.some((other) => same(other, pick)));
    const songs = fresh.map((pick) => ({ asked: pick.name, status: "found", pick, candidates: [] }));
    list.songs = [...list.songs, ...songs];
    this.tell();
    return fresh;
  }

  take(list, picks) {
    list.songs = list.songs.filter(
      (song) => !song.pick || !picks.some((pick) => same(pick, song.pick)));
    this.tell();
  }
}

/** The songs of a list that were found or chosen, each once. */
export function picksOf(list) {
  const picks = [];
  for (const { pick } of list.songs)
    if (pick && !picks.some((other) => same(other, pick))) picks.push(pick);
  return picks;
}

/** Whether two lists of picks, each once, hold the same. */
export const sameSongs = (some, others) =>
  some.length === others.length && some.every((pick) => others.some((other) => same(pick, other)));

export const ofStatus = (list, status) => list.songs.filter((song) => song.status === status);
