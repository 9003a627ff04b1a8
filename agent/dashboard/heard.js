// What was heard last of each device, so that an old message put out again, or another ledger, is noticed; also after
// the page was opened anew, if a storage is given. Numbers, times and hashes only.

const STORED = "doorward-heard";
const LATER_MS = 2000;
const STEP_S = 2; // a clock may be set by so much

export function memory(storage = null) {
  let seen = {}; // signing key -> kind -> { sequence, unixS, signature }, and -> "head" -> { size, root }
  let due = false;

  try {
    const found = JSON.parse(storage?.getItem(STORED) ?? "{}");
    if (found && typeof found === "object" && !Array.isArray(found)) seen = found;
  } catch {
    seen = {};
  }

  const write = () => {
    due = false;
    try {
      storage?.setItem(STORED, JSON.stringify(seen));
    } catch {
      // a full or forbidden storage: it is remembered until the page is closed
    }
  };
  const keep = () => {
    if (storage && !due) setTimeout(write, LATER_MS);
    due = true;
  };
  if (storage) addEventListener("pagehide", () => due && write());

  return {
    // Why a genuine message is not the newest word, or null; it is remembered then. `sequence` is a BigInt; `unixS` is
    // null for an event, whose time is sealed.
    newer(key, kind, sequence, unixS, signature) {
      const mine = (seen[key] ??= {}), last = mine[kind];
      if (/^\d+$/.test(last?.sequence)) {
        const before = BigInt(last.sequence);
        if (sequence < before) return "older";
        if (sequence === before) return signature === last.signature ? null : "number-twice";
      }
      mine[kind] = { sequence: String(sequence), unixS, signature };
      keep();
      return last && unixS !== null && unixS < last.unixS - STEP_S ? "earlier" : null;
    },

    // Why this head of the ledger cannot follow the last one, or null. The broker carries no proof between two heads of
    // different sizes: `doorward ledger verify` proves that the one begins with the other.
    follows(key, size, root) {
      const last = (seen[key] ??= {}).head;
      if (last && size < last.size) return "ledger-shrank";
      if (last && size === last.size && root !== last.root) return "ledger-forked";
      seen[key].head = { size, root };
      keep();
      return null;
    },

    // Begin anew with one device, for instance when it was set up afresh with the same keys.
    forget(key) {
      delete seen[key];
      keep();
    },
  };
}
