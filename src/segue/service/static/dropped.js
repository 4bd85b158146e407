/** Files that were dropped or chosen: those of folders, too, at any depth. */

// What playlists end with. In a folder there is much else; what is given by itself is always read.
const PLAYLISTS = /\.(m3u8?|pls|xspf|jspf|csv|tsv|txt|tab|json|jsonl|ndjson|xml|zip|parquet|arrow|feather)$/i;
const MOST = 1000; // files of folders

/** What a drop holds, to be asked for while it is handled; see `filesOf`. */
export function droppedIn(transfer) {
  return [...transfer.items]
    .filter((item) => item.kind === "file")
    .map((item) => item.webkitGetAsEntry?.() ?? item.getAsFile());
}

/** What an input for a folder holds, as `filesOf` gives it. */
export function chosenIn(input) {
  return sifted([...input.files].map((file) => [file.webkitRelativePath || file.name, file]));
}

/** The files of what was dropped: { files, others }, the number of those that are no playlists. */
export async function filesOf(dropped) {
  const [files, inFolders] = [[], []];
  for (const one of dropped) {
    if (one instanceof File) files.push(one);
    else if (one.isFile) files.push(await fileOf(one));
    else await walk(one, inFolders);
  }
  const found = sifted(inFolders.map((entry) => [entry.fullPath, entry]));
  for (const entry of found.files) files.push(await fileOf(entry));
  return { files, others: found.others };
}

const fileOf = (entry) => new Promise((done, failed) => entry.file(done, failed));

async function walk(folder, found) {
  const reader = folder.createReader();
  for (;;) {
    // A browser gives about a hundred at a time.
    const some = await new Promise((done, failed) => reader.readEntries(done, failed));
    if (!some.length) return;
    for (const entry of some) {
      if (entry.isDirectory) await walk(entry, found);
      else found.push(entry);
    }
  }
}

/** The playlists among [path, file] by their names, in order. */
function sifted(all) {
  const seen = all.filter(([path]) => !/(^|\/)[._]/.test(path)); // hidden, or macOS' own
  const files = seen.filter(([path]) => PLAYLISTS.test(path));
  files.sort(([one], [other]) => one.localeCompare(other));
  const taken = files.slice(0, MOST).map(([, file]) => file);
  return { files: taken, others: seen.length - taken.length };
}
