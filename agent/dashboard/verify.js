// Whether a message is the word of its device: Ed25519 by the browser's own WebCrypto, over the very bytes that came.
//
// What the recogniser signs is written in one way (docs/consumers.md), so the signature is cut out of the text and
// nothing is written again: numbers stay as Python wrote them. Only what was verified is parsed. The link's own word is
// signed by nobody and says so.

import { memory } from "./heard.js";
import { keyFingerprint, unhex } from "./keys.js";

const MOST = 160 * 1024;
const TELEMETRY = "doorward/telemetry/1", EVENT = "doorward/event/1", CHECKPOINT = "doorward/checkpoint/1";
const KINDS = { status: TELEMETRY, compliance: TELEMETRY, metrics: TELEMETRY, ledger: TELEMETRY, notice: TELEMETRY, ack: TELEMETRY, events: EVENT };
// Keys are sorted: before the signature stands what is about the message, behind it site, time and version. The last
// sign of the base64 is one of four, so that there is one way to write it.
const SHAPE = /^(\{.+),"signature":"([A-Za-z0-9+/]{85}[AQgw]==)"(,"site":"[a-z0-9-]{1,63}"(?:,"unix_s":[0-9.e+-]+)?,"v":1\})$/;
const KEY = /^[0-9a-f]{64}$/;

// Every `why`, and the state that it goes with.
export const WHY = {
  signed: "verified", // by the pinned key, and newer than all before it
  link: "unverified", // the link's own word: offline, or recogniser lost
  "no-key": "unverified", // nobody has pinned a key for this device
  older: "unverified", // genuine, and behind one that was heard before: put out again, or a broker that was away
  earlier: "unverified", // genuine and new, but the device's time went back
  malformed: "forged", // not in the form that a device signs
  elsewhere: "forged", // of another site, device or kind than where it was heard
  signature: "forged", // not by the pinned key, or changed
  "number-twice": "forged", // two messages of one number: a copy of the device, or one that was set back
  checkpoint: "forged", // the ledger's own signature does not fit
  "ledger-shrank": "forged",
  "ledger-forked": "forged", // of the same size as before, and another
  insecure: "unavailable", // the page came neither by https nor from this machine
  "no-ed25519": "unavailable", // a browser without it
};

const hasCrypto = globalThis.isSecureContext === true && Boolean(globalThis.crypto?.subtle);
// Test 1 of RFC 8032, section 7.1: a key that every browser with Ed25519 takes.
const PROBE = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
const hasEd25519 = hasCrypto && await publicKey(PROBE).then(() => true, () => false);

// False where nothing can be verified: `check` then says `unavailable`, and why.
export const available = () => hasEd25519;

function publicKey(hex) {
  return crypto.subtle.importKey("raw", unhex(hex), { name: "Ed25519" }, false, ["verify"]);
}

// Context and message told apart, as agent/crypto.py frames them.
function framed(context, text) {
  return new TextEncoder().encode(`doorward\0\0${String.fromCharCode(context.length)}${context}${text}`);
}

const unbase64 = (text) => Uint8Array.from(atob(text), (sign) => sign.charCodeAt(0));

// The text and the two parts of a message, or null. `payload`: a Uint8Array or a string, as it came.
export function taken(payload) {
  let text = payload;
  if (payload instanceof Uint8Array) {
    try {
      text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(payload);
    } catch {
      return null;
    }
  }
  if (typeof text !== "string") throw new TypeError("check: give the payload as it came, not what was parsed from it");
  const found = text.length <= MOST ? SHAPE.exec(text) : null;
  if (!found) return null;
  const signed = found[1] + found[3];
  try {
    const message = JSON.parse(signed);
    return { signed, signature: found[2], message, sequence: BigInt(/"sequence":(\d{1,19})$/.exec(found[1])[1]) };
  } catch {
    return null;
  }
}

// The link's last will, or its word that the recogniser is lost.
function byLink(kind, payload) {
  try {
    const said = JSON.parse(typeof payload === "string" ? payload : new TextDecoder().decode(payload));
    return kind === "status" && said.by === "link" && said.unverified === true && !("body" in said) && !("signature" in said);
  } catch {
    return false;
  }
}

// A checker with a memory of its own. `storage`: localStorage, or null to remember until the page is closed.
export function checker(storage = null) {
  const heard = memory(storage), keys = new Map(), turns = new Map();

  const signedBy = async (hex, context, text, signature) => {
    if (!keys.has(hex)) keys.set(hex, publicKey(hex));
    return crypto.subtle.verify({ name: "Ed25519" }, await keys.get(hex), unbase64(signature), framed(context, text));
  };

  // The head inside is a signed checkpoint of its own, which an auditor may keep and show.
  const headFits = async ({ site, device, body }, hex) => {
    if (body?.key !== hex || !/^[A-Za-z0-9+/]{86}==$/.test(body.signature)) return false;
    const time = body.at_s > 0 ? Math.round(body.at_s * 1000) : null; // 0: the clock was not trusted
    const head = { device, key: body.key, root: body.root, schema: CHECKPOINT, site, size: body.size, time_ms: time };
    return signedBy(hex, CHECKPOINT, JSON.stringify(head), body.signature);
  };

  // What is wrong with it by itself, or what looks at those before it.
  const judge = async (kind, found, hex) => {
    const { message, signed, signature, sequence } = found;
    if (!await signedBy(hex, KINDS[kind], signed, signature)) return "signature";
    if (kind === "ledger" && !await headFits(message, hex)) return "checkpoint";
    return () => {
      const old = heard.newer(hex, kind, sequence, message.unix_s ?? null, signature);
      if (kind !== "ledger" || old === "older" || old === "number-twice") return old ?? "signed";
      return heard.follows(hex, message.body.size, message.body.root) ?? old ?? "signed";
    };
  };

  // `kind`: the last part of the topic. `payload`: as it came, a Uint8Array or a string. `deviceKey`: what the keyring
  // of keys.js found for the topic's site and device, a signing key in hex, or null.
  // Gives { state, why, claims }: state is verified, unverified, forged or unavailable; why is a key of WHY; claims is
  // who the message says that it is from, in words ("gate-1", with the key's fingerprint where it names one), or "".
  async function check(kind, payload, deviceKey = null) {
    const found = taken(payload);
    const named = kind === "ledger" && available() ? found?.message.body?.key : null;
    const say = async (why) => {
      const device = found ? String(found.message.device ?? "") : "";
      const claims = KEY.test(named ?? "") ? `${device} ${await keyFingerprint(named)}` : device;
      return { state: WHY[why], why, claims };
    };
    if (!available()) return say(hasCrypto ? "no-ed25519" : "insecure");
    if (!found) return say(byLink(kind, payload) ? "link" : "malformed");
    const { message } = found;
    if (!Object.hasOwn(KINDS, kind) || (kind === "events" ? "kind" in message : message.kind !== kind)) return say("elsewhere");
    if (deviceKey === null || deviceKey === undefined) return say("no-key");
    const whole = typeof deviceKey === "string" ? null : deviceKey, hex = whole ? whole.signing_key : deviceKey;
    if (!KEY.test(hex ?? "")) throw new TypeError("check: the device's key is not 32 bytes in lower-case hex");
    if (whole && (message.device !== whole.id || (whole.site && message.site !== whole.site))) return say("elsewhere");

    // In the order in which they came, however long each signature takes.
    const before = turns.get(hex) ?? Promise.resolve();
    const judged = judge(kind, found, hex);
    const mine = Promise.allSettled([before, judged]).then(([, { value }]) => typeof value === "function" ? value() : value);
    turns.set(hex, mine);
    return say(await mine ?? "signature"); // a key that the browser does not take has signed nothing
  }

  return { check, forget: heard.forget };
}

const storage = () => {
  try {
    return globalThis.localStorage ?? null;
  } catch {
    return null; // a browser that forbids it
  }
};
let shared = null;

// The page's own checker, which remembers in localStorage.
export const check = (kind, payload, deviceKey) => (shared ??= checker(storage())).check(kind, payload, deviceKey);
