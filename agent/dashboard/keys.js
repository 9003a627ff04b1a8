// The devices' public keys that this watcher trusts: what `verify.js` holds messages against.
//
// Taken from a device's own device.json, from the text of the code that `doorward device show` shows, or, for a whole
// site at once, from its policy.json. Only public keys are kept, in the storage that is given. A key once pinned is not
// replaced in silence.

const STORED = "doorward-device-keys";
const MOST = 1024 * 1024;
const CODE = /^DOORWARD:DEVICE:([A-Z0-9-]{1,63}):([0-9A-F]{64}):([0-9A-F]{64})$/;
const NAME = /^[a-z0-9][a-z0-9-]{0,62}$/;
const KEY = /^[0-9a-f]{64}$/;

// `code` is one of: not-a-key, twice, storage.
export class KeyFault extends Error {
  constructor(code, about = "") {
    super(about ? `${code}: ${about}` : code);
    this.code = code;
    this.about = about;
  }
}

// The first 80 bits of the SHA-256 in groups of four, as the commands print it. `bytes`: Uint8Array.
async function grouped(bytes) {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).slice(0, 10);
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("").match(/.{4}/g).join(" ");
}

export const unhex = (hex) => Uint8Array.from(hex.match(/../g), (pair) => parseInt(pair, 16));

// Of one key in hex ("signing key" of `doorward device show`). Needs a secure context.
export const keyFingerprint = (hex) => grouped(unhex(hex));

// Of a device: id and both keys ("to compare" of `doorward device show`, "fingerprint" of `doorward site show`).
export const fingerprint = ({ id, signing_key: signing, box_key: box }) =>
  grouped(new TextEncoder().encode(`doorward/device/1 ${id} ${signing} ${box}`));

function device(found, site) {
  const { id, signing_key, box_key } = found ?? {};
  if (!NAME.test(id ?? "") || !KEY.test(signing_key ?? "") || !KEY.test(box_key ?? "")) throw new KeyFault("not-a-key");
  return { site, id, signing_key, box_key };
}

// The devices that a file or a pasted text names: [{ site, id, signing_key, box_key }]; `site` is null where it does
// not say (a device does not know it for sure, a policy does). Throws KeyFault not-a-key.
export function read(text) {
  const trimmed = String(text).trim(), code = CODE.exec(trimmed);
  if (code) return [device({ id: code[1].toLowerCase(), signing_key: code[2].toLowerCase(), box_key: code[3].toLowerCase() }, null)];
  let found;
  try {
    found = trimmed.length <= MOST ? JSON.parse(trimmed) : null;
  } catch {
    found = null;
  }
  if (found?.schema === "doorward/device/1") return [device(found, null)];
  const all = found?.schema === "doorward/policy/1" && NAME.test(found.site ?? "") ? found.devices : null;
  if (!Array.isArray(all) || all.length === 0) throw new KeyFault("not-a-key");
  return all.map((each) => device(each, found.site));
}

// The pinned keys. `storage`: localStorage, or null to keep them in memory until the page is closed.
export function keyring(storage = null) {
  const pinned = new Map(); // "site/id" ("*/id" where no site was said) -> device
  const name = ({ site, id }) => `${site ?? "*"}/${id}`;

  try {
    for (const each of JSON.parse(storage?.getItem(STORED) ?? "[]")) {
      const site = NAME.test(each?.site ?? "") ? each.site : null;
      pinned.set(name({ site, id: each?.id }), device(each, site));
    }
  } catch {
    pinned.clear(); // what cannot be read is not trusted; the page asks for the keys again
  }

  const keep = () => {
    try {
      storage?.setItem(STORED, JSON.stringify([...pinned.values()]));
    } catch {
      throw new KeyFault("storage");
    }
  };

  const find = (site, id) => {
    const found = pinned.get(`${site}/${id}`) ?? pinned.get(`*/${id}`);
    return found ? { ...found, site } : null;
  };

  return {
    // The device whose key is pinned for a topic's site and device, or null; its `site` is the one that was asked for, so
    // that a message of the same device's from another site is not taken for one of this.
    find,

    list: () => [...pinned.values()].sort((a, b) => (name(a) < name(b) ? -1 : 1)),

    // Pins what a text names, all or nothing, and gives it back. Throws KeyFault: not-a-key; twice, if one of the
    // devices has another key here already (or in the text itself) and `replace` is not set; `about` is its name.
    pin(text, { site = null, replace = false } = {}) {
      const devices = read(text).map((each) => ({ ...each, site: each.site ?? site }));
      const told = new Map();
      for (const each of devices) {
        const other = told.get(name(each)) ?? (replace ? null : find(each.site, each.id));
        if (other && (other.signing_key !== each.signing_key || other.box_key !== each.box_key)) throw new KeyFault("twice", name(each));
        told.set(name(each), each);
      }
      for (const [key, each] of told) pinned.set(key, each);
      keep();
      return devices;
    },

    forget(site, id) {
      pinned.delete(`${site ?? "*"}/${id}`);
      keep();
    },
  };
}
