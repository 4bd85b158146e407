/** Assembles the page. */

import { debounced, details } from "./api.js";
import {
  before, forgetBefore, fromAddress, keepBefore, MOST, remember, remembered, showAddress,
} from "./address.js";
import { About } from "./about.js";
import { Bring } from "./bring.js";
import { prepareDialogs } from "./dialogs.js";
import { ExportWindow } from "./exporting.js";
import { icon } from "./icons.js";
import { Lists, picksOf } from "./lists.js";
import { Naming } from "./naming.js";
import { Neighbourhood } from "./neighbourhood.js";
import { PlaylistView } from "./playlist.js";
import { notice, showProblem } from "./problem.js";
import { Results } from "./results.js";
import { Search } from "./search.js";
import { Sorting } from "./sorting.js";
import { pickOf, same, State, titlePick } from "./state.js";
import { byId, called, say } from "./parts.js";
import { Tabs } from "./tabs.js";
import { Tidying } from "./tidying.js";

const state = new State();
const around = (pick) => {
  neighbourhood.show(pick);
  tabs.open("tab-around");
  byId("tab-around").focus();
};
const about = new About(state, { around });
const showAbout = (pick) => about.show(pick);
const results = new Results(state, { around, about: showAbout });
const neighbourhood = new Neighbourhood(state, { about: showAbout });
const lists = new Lists();
const exporting = new ExportWindow(state);
const bring = new Bring(state, lists, {
  save: (list) => exporting.open({ title: list.title, tracks: picksOf(list), others: false }),
});
byId("bring").prepend(icon("bring", byId("bring")));
new Naming(state);
const tidying = new Tidying(state, (parts) => lists.add(parts));
new Sorting(state, lists);
const tabs = new Tabs(["tab-songs", "tab-around", "tab-tidy", "tab-sort"], (id) => {
  tidying.appear(id === "tab-tidy");
  const first = results.answer?.tracks[0];
  if (id === "tab-around") neighbourhood.appear(first && pickOf("track", first));
});
const playlist = new PlaylistView(state, { around, about: showAbout });
new Search({
  bring: (text) => bring.open(text),
  has: (pick) => state.has(pick),
  pick: (pick) => {
    if (pick.type === "playlist") return showAbout(pick);
    const added = state.add(pick).length > 0;
    return say(added ? `Added ${called(pick)}.` : `${called(pick)} is already in your playlist.`);
  },
});
prepareDialogs();
const options = byId("show-options");
options.addEventListener("click", () => {
  options.ariaExpanded = String(byId("options").classList.toggle("folded") === false);
});

let shown = ""; // the address that the page last wrote or read
let pending = null; // what is being restored: nothing overwrites it until it is

function show() {
  showAddress(state);
  shown = location.hash;
}
// Browsers limit the rate of address changes.
const showSoon = debounced(show, 200);

state.listen((_, what) => {
  if (what === "like" || pending) return;
  if (what === "picks") show();
  else showSoon();
  remember(state);
});

/** `act` on each, six at a time. */
async function inTurns(all, act) {
  const queue = [...all.entries()];
  const worker = async () => {
    for (let next = queue.shift(); next; next = queue.shift()) await act(next[1], next[0]);
  };
  await Promise.all(Array.from({ length: 6 }, worker));
}

/** What an address asks for, with its picks; ids that nothing here has go into `unknown`. */
async function known(wanted, unknown) {
  const { picks, playlist: playlistId } = wanted;
  const found = [];
  const look = async (type, id) => {
    try {
      return await details(type, id);
    } catch (error) {
      if (error.passing || error.status >= 500) throw error;
      unknown.push(id);
      return null;
    }
  };
  await inTurns(picks, async ({ type, id }, at) => {
    if (type === "title") {
      found[at] = titlePick(id);
      return;
    }
    const said = await look(type, id);
    if (said) found[at] = pickOf(type, said);
  });
  const whole = playlistId ? await look("playlist", playlistId) : null;
  const tracks = (whole?.tracks ?? []).map((said) => pickOf("track", said));
  const name = wanted.name || (whole?.title ?? "").slice(0, 100);
  return { ...wanted, name, picks: [...found.filter(Boolean), ...tracks] };
}

/** Show a playlist given by ids; unknown ones are reported and skipped. */
async function restore(wanted) {
  [shown, pending] = [location.hash, wanted];
  const unknown = [];
  let found = null;
  playlist.wait("Loading the playlist …");
  try {
    found = await known(wanted, unknown);
  } catch (error) {
    if (pending !== wanted) return;
    playlist.wait("The playlist could not be loaded.");
    showProblem(byId("problem"), error, () => restore(wanted));
    return;
  }
  if (pending !== wanted) return; // superseded in the meantime
  pending = null;
  // Keep what was added in the meantime.
  const { picks } = found;
  picks.push(...state.picks.filter((pick) => !picks.some((other) => same(other, pick))));
  state.replace(found);
  if (!unknown.length) return;
  const some = unknown.slice(0, 5).join(", ") + (unknown.length > 5 ? ", …" : "");
  const which = unknown.length === 1 ? "One entry is" : `${unknown.length} entries are`;
  notice(`${which} unknown here and left out: ${some}`);
}

/**
 * From the address, else from the browser's storage, else empty.
 *
 * The address lags behind for a moment, and a reload may fall into that moment: if it has the same
 * songs, the browser's storage is at least as recent.
 */
function start(again = false) {
  pending = null;
  byId("notices").replaceChildren();
  const own = remembered();
  let asked = fromAddress(location.hash);
  // Of a long playlist the address holds the beginning.
  if ((again || own?.picks.length > MOST) && own && ids(own.picks) === ids(asked.picks)) asked = own;
  const asks = asked.picks.length > 0 || Boolean(asked.playlist);
  if (!asks && !own?.picks.length) {
    state.replace({ ...asked, excluded: own?.excluded ?? [] });
    return;
  }
  if (!asks) {
    restore(own);
    return;
  }
  const differs = own?.picks.length > 0 && ids(own.picks) !== ids(asked.picks);
  if (differs && !before()) keepBefore(own);
  restore({ ...asked, excluded: differs ? [] : (own?.excluded ?? []) });
  const kept = before();
  if (!kept) return;
  if (ids(kept.picks) === ids(asked.picks)) forgetBefore();
  else
    notice("This is a shared playlist. Your own is saved.", {
      Dismiss: forgetBefore,
      "Back to mine": () => {
        forgetBefore();
        state.picks = [];
        restore(kept);
      },
    });
}

const ids = (picks) => picks.slice(0, MOST).map(({ type, id }) => `${type} ${id}`).join("\n");

// Another address in the same tab, from a link or by going back.
window.addEventListener("hashchange", () => {
  if (location.hash === shown) return;
  state.picks = [];
  start();
});
start(performance.getEntriesByType("navigation")[0]?.type === "reload");
