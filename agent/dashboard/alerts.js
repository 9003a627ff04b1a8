// What a watcher should know of a door before it is asked for, worst first.

import { fill, named, number, SOON_DAYS, time, words } from "./words.js";

const DAY_S = 86_400;
const FILING_LEFT = 500;
const QUEUE_GROWN = 10, RISING = 6; // reports, one in five seconds
const HOT_C = 80;
const CHAIN = ["checkpoint", "ledger-shrank", "ledger-forked"];

// [{ kind, level, values }]: level 2 is for now, 1 for soon. `state` as of doors.js.
export function alertsOf(door, state, nowMs) {
  const found = [], { compliance, metrics } = door.latest;
  const add = (level, kind, values = {}) => found.push({ level, kind, values });

  for (const [kind, { why, atMs }] of door.forged) add(2, CHAIN.includes(why) ? "chain" : "forged", { kind, why, atMs });
  if (state === "silent") add(2, "silent", { atMs: door.heardMs });
  if (state === "offline" || state === "recogniser-lost") add(2, state);

  const until = compliance?.body?.assessment_until_s;
  if (typeof until === "number") {
    const days = Math.floor((until - nowMs / 1000) / DAY_S);
    if (until * 1000 <= nowMs) add(2, "pia-over");
    else if (days < 1) add(2, "pia-one");
    else if (until - nowMs / 1000 <= SOON_DAYS * DAY_S) add(1, "pia", { n: days });
  }
  const left = compliance?.body?.filing_left;
  if (left === 0) add(2, "filing");
  else if (typeof left === "number" && left <= FILING_LEFT) add(1, "filing-soon", { n: Math.ceil((left + 1) / 100) * 100 });

  if (grows(door.samples)) add(1, "queue", { n: door.samples.at(-1).queue });
  if (metrics?.body?.under_voltage === true) add(2, "under-voltage");
  if (metrics?.body?.throttled === true) add(1, "throttled");
  if (metrics?.body?.temperature_c >= HOT_C) add(1, "hot", { n: Math.round(metrics.body.temperature_c) });
  if (door.replayed) add(1, "replayed", door.replayed);
  return found.sort((a, b) => b.level - a.level);
}

// Either it never fell in half a minute, or what was heard later lies wholly above what was heard before: a slow growth.
function grows(samples) {
  const queue = samples.map((each) => each.queue), last = queue.slice(-RISING), half = queue.length >> 1;
  const rises = last.length === RISING && last.every((each, index) => index === 0 || each >= last[index - 1]);
  if (rises && last.at(-1) - last[0] >= QUEUE_GROWN) return true;
  return half > RISING && Math.min(...queue.slice(half)) > Math.max(...queue.slice(0, half)) && queue.at(-1) - queue[0] >= QUEUE_GROWN;
}

export function alertWords({ kind, values }) {
  return fill(words().alerts[kind], {
    n: typeof values.n === "number" ? number(values.n) : "",
    time: values.atMs ? time(values.atMs) : "–",
    kind: values.kind ? named(values.kind) : "",
    why: words().why[values.why] ?? "",
  });
}
