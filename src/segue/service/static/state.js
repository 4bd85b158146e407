/**
 * The state of the page: the playlist with its name, exclusions, the dial, the limit, the question.
 *
 * A pick is { type: "track" | "artist" | "title", id, name, artist_id, artist_name }; only songs have
 * an artist. A title stands for playlists that are called so; there is at most one, whose id is its
 * text. What is excluded are songs and artists.
 */

export const PER_ARTIST = 2; // songs by one artist, unless the person says otherwise; 0: no limit

export const QUESTION = "fit"; // or "next": what comes after the last song

export class State {
  constructor() {
    this.listeners = [];
    Object.assign(this, { picks: [], excluded: [], name: "", dial: 0, perArtist: PER_ARTIST });
    this.question = QUESTION;
    this.like = null; // the pick that "more like this" was requested for
  }

  /** Call `act(state, what)` after each change: "picks", "excluded", "settings", "name" or "like". */
  listen(act) {
    this.listeners.push(act);
  }

  tell(what) {
    for (const act of this.listeners) act(this, what);
  }

  has(pick) {
    return this.picks.some((other) => same(other, pick));
  }

  /** Add picks; returns those that were not there before. */
  add(...picks) {
    const fresh = picks.filter((pick) => !this.has(pick));
    if (!fresh.length) return fresh;
    if (fresh.some(isTitle)) this.picks = this.picks.filter((pick) => !isTitle(pick));
    this.picks.push(...fresh);
    const allowed = (pick) => !fresh.some((other) => same(other, pick));
    this.excluded = this.excluded.filter(allowed);
    this.tell("picks");
    return fresh;
  }

  remove(...picks) {
    this.picks = this.picks.filter((pick) => !picks.some((other) => same(other, pick)));
    this.tell("picks");
  }

  replace({
    picks, excluded = [], name = "", dial = 0, perArtist = PER_ARTIST, question = QUESTION,
  }) {
    Object.assign(this, { picks, excluded, name, dial, perArtist, question, like: null });
    this.tell("picks");
  }

  exclude(pick) {
    if (!this.excluded.some((other) => same(other, pick))) this.excluded.push(pick);
    this.tell("excluded");
  }

  include(pick) {
    this.excluded = this.excluded.filter((other) => !same(other, pick));
    this.tell("excluded");
  }

  set(change) {
    Object.assign(this, change);
    this.tell("name" in change ? "name" : "like" in change ? "like" : "settings");
  }

  get tracks() {
    return this.picks.filter((pick) => pick.type === "track");
  }

  /** What stays when the playlist is another. */
  get settings() {
    const { dial, perArtist, question } = this;
    return { dial, perArtist, question };
  }

  /** What to come back to, for "Undo". */
  copy() {
    const { picks, excluded, name, settings } = this;
    return { picks: [...picks], excluded: [...excluded], name, ...settings };
  }
}

export const idsOf = (picks, type) =>
  picks.filter((pick) => pick.type === type).map((pick) => pick.id);

export function same(one, other) {
  return one.type === other.type && one.id === other.id;
}

const isTitle = (pick) => pick.type === "title";

export const titlePick = (text) => ({ type: "title", id: text, name: text });

/** A pick from the API's data about a track or an artist. */
export function pickOf(type, said) {
  const { id = said.track_id ?? said.artist_id, name = said.track_name ?? said.artist_name } = said;
  if (type !== "track") return { type, id, name };
  const { artist_id = "", artist_name = "" } = said;
  return { type, id, name, artist_id, artist_name };
}
