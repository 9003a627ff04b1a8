// The watcher's own list of device keys: taken from a file or pasted, shown with fingerprints, forgotten on purpose.

import { fingerprint, keyring } from "./keys.js";
import { at, make, short } from "./make.js";
import { fill, number, say, words } from "./words.js";

const FAULTS = { "not-a-key": "keys-bad", "twice": "keys-twice", "storage": "keys-storage" };

function storage() {
  try {
    return globalThis.localStorage ?? null;
  } catch {
    return null; // a browser that forbids it
  }
}

// Gives the keyring and a way to open the dialog. `changed()` after each change.
export function trust(changed) {
  const ring = keyring(storage()), dialog = at("keys");

  const tell = (text, good = false) => {
    at("keys-told").textContent = text;
    at("keys-told").dataset.good = String(good);
  };

  async function list() {
    const all = ring.list();
    at("keys-none").hidden = all.length > 0;
    const items = await Promise.all(all.map(async (device) => {
      const name = `${device.site ?? say("any-site")} / ${device.id}`, forget = make("button", "quiet", "×");
      forget.type = "button";
      forget.setAttribute("aria-label", fill(words().say["keys-forget"], { device: name }));
      forget.addEventListener("click", () => {
        ring.forget(device.site, device.id);
        changed();
        list();
      });
      const print = globalThis.crypto?.subtle ? await fingerprint(device) : `${short(device.signing_key)} ${say("keys-insecure")}`;
      return make("li", "", make("span", "key-name", name), make("code", "", print), forget);
    }));
    at("keys-list").replaceChildren(...items);
  }

  function pin(text) {
    try {
      const site = at("keys-site").value.trim() || null, pinned = ring.pin(text, { site, replace: at("keys-replace").checked });
      at("keys-text").value = "";
      at("keys-replace").checked = false;
      tell(say("keys-pinned", { n: number(pinned.length) }), true);
    } catch (fault) {
      tell(fault.code in FAULTS ? say(FAULTS[fault.code], { about: fault.about }) : String(fault.message));
    }
    changed();
    list();
  }

  at("keys-file").addEventListener("change", async ({ target }) => {
    const [file] = target.files;
    if (file) pin(await file.text());
    target.value = "";
  });
  at("keys-form").addEventListener("submit", (event) => {
    event.preventDefault();
    pin(at("keys-text").value);
  });
  at("keys-close").addEventListener("click", () => dialog.close());

  return {
    ring,
    open() {
      tell("");
      list();
      dialog.showModal();
    },
  };
}
