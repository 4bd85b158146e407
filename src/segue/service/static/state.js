/**
 * The state of the page: the playlist with its name, exclusions, the dial, the limit.
 *
 * A pick is { type: "track" | "artist", id, name, artist_id, artist_name, album_id, album_name };
 * those of an artist only have a name.
 */

export class State {
  constructor() {
    this.listeners = [];
    Object.assign(this, { picks: [], excluded: [], name: "", dial: 0, perArtist: null });
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

  add(pick) {
    if (this.has(pick)) return false;
    this.picks.push(pick);
    this.excluded = this.excluded.filter((other) => !same(other, pick));
    this.tell("picks");
    return true;
  }

  remove(pick) {
    this.picks = this.picks.filter((other) => !same(other, pick));
    this.tell("picks");
  }

  replace({ picks, excluded = [], name = "", dial = 0, perArtist = null }) {
    Object.assign(this, { picks, excluded, name, dial, perArtist, like: null });
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

  ids(type) {
    return this.picks.filter((pick) => pick.type === type).map((pick) => pick.id);
  }

  get tracks() {
    return this.picks.filter((pick) => pick.type === "track");
  }
}

export function same(one, other) {
  return one.type === other.type && one.id === other.id;
}

/** A pick from the API's data about a track or an artist. */
export function pickOf(type, said) {
  const { id = said.track_id, name = said.track_name } = said;
  if (type === "artist") return { type, id, name };
  const { artist_id = null, artist_name = "", album_id = null, album_name = "" } = said;
  return { type, id, name, artist_id, artist_name, album_id, album_name };
}
