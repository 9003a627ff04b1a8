// What is known of each door: the newest word of each kind, how far it can be believed, and a short past.
//
// A message is judged before anything of it is taken. What is forged is counted and never shown; what is unsigned and by
// the link can only narrow. Nothing here is about a person.

import { ACT_WITHIN_S, OUTCOMES } from "./words.js";
import { check } from "./verify.js";

export const SILENT_S = 45; // three heartbeats
const SAMPLES = 720; // an hour of metrics
const LINES = 200;
const KINDS = ["status", "compliance", "metrics", "ledger", "notice", "events"];
const LINK_STATES = ["offline", "recogniser-lost"];

const text = (value) => typeof value === "string";
const number = (value) => typeof value === "number" && Number.isFinite(value);
const seconds = (value) => number(value) && value >= 0 && value < 2 ** 40; // as in agent/events/bodies.py
const perhaps = (value) => value === undefined || value === null || seconds(value);
const SHAPES = {
  status: ({ body }) => ["online", "refused"].includes(body.state) && body.grounds.every(text),
  compliance: ({ body }) => perhaps(body.assessment_until_s) && body.obligations.every((each) => text(each.ground) && text(each.state) && seconds(each.since_s)),
  metrics: ({ body }) => number(body.fps) && number(body.queue) && number(body.frames) && number(body.rss_kb) && perhaps(body.hour_s) && body.stages.every((each) => number(each.median_ms)) && body.refused.every((each) => number(each.frames)),
  ledger: ({ body }) => number(body.size) && text(body.root) && seconds(body.at_s),
  notice: ({ body }) => number(body.view.width) && number(body.view.height) && Array.isArray(body.zones) && Array.isArray(body.excluded),
  events: (message) => number(message.sequence) && seconds(message.not_after_ms / 1000),
};

function parsed(kind, payload) {
  try {
    const message = JSON.parse(new TextDecoder().decode(payload));
    if (kind === "status" && message.by === "link" && !message.body) return LINK_STATES.includes(message.state) ? message : null;
    return perhaps(message.unix_s) && SHAPES[kind](message) ? message : null;
  } catch {
    return null;
  }
}

// `keyOf(site, device)`: the pinned device or null. `changed(door)` is called after each message.
export function doors({ keyOf, changed }) {
  const all = new Map();

  function open(site, device) {
    const key = `${site}/${device}`;
    if (!all.has(key)) {
      all.set(key, {
        key, site, device, firstMs: Date.now(), heardMs: null, latest: {}, proofs: {}, forged: new Map(), replayed: null,
        statusForged: false, samples: [], lines: [], events: new Set(), decisions: 0, past: [],
      });
    }
    return all.get(key);
  }

  async function heard({ site, device, kind }, payload, retained) {
    if (!KINDS.includes(kind) || (kind === "events" && retained) || payload.length === 0) return;
    const door = open(site, device), arrivedMs = Date.now();
    let proof;
    try {
      proof = await check(kind, payload, keyOf(site, device));
    } catch {
      proof = { state: "unverified", why: "no-key" };
    }
    const message = parsed(kind, payload);
    const fault = proof.state === "forged" ? proof.why : message === null ? "malformed"
      : message.by !== "link" && (message.site !== site || message.device !== device) ? "elsewhere" : null;
    if (fault) forge(door, kind, fault, arrivedMs);
    else if (proof.why === "older" && door.latest[kind]) door.replayed = { kind, atMs: arrivedMs };
    else take(door, kind, message, proof, retained, arrivedMs);
    follow(door, arrivedMs);
    changed(door);
  }

  function forge(door, kind, why, atMs) {
    door.forged.set(kind, { why, atMs, count: (door.forged.get(kind)?.count ?? 0) + 1 });
    door.proofs[kind] = { state: "forged", why };
    door.statusForged ||= kind === "status";
  }

  function take(door, kind, message, proof, retained, arrivedMs) {
    door.proofs[kind] = proof;
    if (kind === "events") return decide(door, message, arrivedMs);
    door.latest[kind] = message;
    if (message.by === "link") {
      if (kind === "status") Object.assign(door, { statusForged: false, linkMs: retained ? null : arrivedMs });
      return undefined;
    }
    // A retained message is as old as it says; a device may not know the time, so nothing is newer than now.
    const saidMs = number(message.unix_s) ? message.unix_s * 1000 : 0;
    door.heardMs = Math.max(door.heardMs ?? 0, retained ? Math.min(arrivedMs, saidMs) : arrivedMs);
    if (kind === "status") door.statusForged = false;
    if (kind === "metrics") sample(door, message.body, arrivedMs);
    return undefined;
  }

  function sample(door, body, atMs) {
    const of = (stage) => body.stages.find((each) => each.stage === stage)?.median_ms ?? null;
    const suppressed = body.refused.reduce((sum, each) => sum + each.frames, 0);
    door.samples.push({ atMs, frame: of("frame"), detect: of("detect"), embed: of("embed"), queue: body.queue, suppressed, temperature: number(body.temperature_c) ? body.temperature_c : null });
    if (door.samples.length > SAMPLES) door.samples.shift();
  }

  // The device sends again what nobody has acknowledged; a new device counts from 1 again.
  function decide(door, message, arrivedMs) {
    const key = `${message.sequence} ${message.not_after_ms}`;
    if (door.events.has(key)) return;
    door.events.add(key);
    if (door.events.size > 2 * LINES) door.events.delete(door.events.values().next().value);
    const atMs = message.not_after_ms - ACT_WITHIN_S * 1000;
    door.decisions += 1;
    line(door, { kind: "decision", outcome: Object.hasOwn(OUTCOMES, message.outcome) ? message.outcome : "sealed", door: String(message.door ?? ""), atMs, lateS: Math.round((arrivedMs - atMs) / 1000) });
  }

  function line(door, said) {
    door.lines.unshift({ ...said, number: (door.lines[0]?.number ?? 0) + 1 });
    if (door.lines.length > LINES) door.lines.pop();
  }

  // A change of state stands in the past and between the decisions; the state in which the door was found only there.
  function follow(door, nowMs) {
    const state = stateOf(door, nowMs), grounds = groundsOf(door), last = door.past.at(-1), told = `${state} ${grounds}`;
    if (state === "waiting" || last?.told === told) return;
    const found = last ? nowMs : Math.min(nowMs, sinceOf(door, state) ?? nowMs);
    door.past.push({ told, state, grounds, atMs: found });
    if (door.past.length > LINES) door.past.shift();
    if (last) line(door, { kind: "change", state, grounds, atMs: nowMs });
  }

  // Once a second: who has fallen silent? Calls `changed` for those.
  function tick(nowMs) {
    for (const door of all.values()) {
      const before = door.past.at(-1)?.told;
      follow(door, nowMs);
      if (door.past.at(-1)?.told !== before) changed(door);
    }
  }

  // Other keys are pinned: what was said of signatures so far holds no more, and everything will be heard again.
  function judgeAgain() {
    for (const door of all.values()) {
      door.forged.clear();
      Object.assign(door, { statusForged: false, replayed: null, proofs: {} });
    }
  }

  return { all, open, heard, tick, judgeAgain, forget: () => all.clear() };
}

export const groundsOf = ({ latest: { status }, statusForged }) => !statusForged && status?.body?.state === "refused" ? status.body.grounds : [];

// waiting, forged, offline, recogniser-lost, silent, refused or online.
export function stateOf(door, nowMs) {
  const status = door.latest.status;
  if (door.statusForged) return "forged";
  if (!status) return "waiting";
  if (status.by === "link") return status.state;
  if (nowMs - (door.heardMs ?? 0) > SILENT_S * 1000) return "silent";
  return status.body.state;
}

// Unix ms since when the state is what it is, as far as the device says so; null: it does not.
export function sinceOf(door, state) {
  if (state === "silent") return door.heardMs || null;
  if (state === "forged") return door.forged.get("status")?.atMs ?? null;
  if (state === "offline" || state === "recogniser-lost") return door.linkMs ?? null;
  const all = door.latest.compliance?.body?.obligations ?? [], grounds = groundsOf(door);
  const unmet = all.filter((each) => each.state === "unmet");
  const agree = unmet.every((each) => grounds.includes(each.ground)) && Boolean(unmet.length) === (state === "refused");
  const times = agree ? (state === "online" ? all : unmet).map((each) => each.since_s).filter((since) => since > 0) : [];
  if (times.length) return 1000 * (state === "online" ? Math.max(...times) : Math.min(...times));
  return door.past.length > 1 && door.past.at(-1).state === state ? door.past.at(-1).atMs : null;
}

// verified, unverified, forged or unavailable: the least of what the state stands on.
export function proofOf({ proofs, statusForged }) {
  const states = ["status", "compliance"].map((kind) => proofs[kind]?.state).filter(Boolean);
  if (statusForged) return "forged";
  return ["forged", "unavailable", "unverified", "verified"].find((state) => states.includes(state)) ?? "unverified";
}
