// What happened at a door: its state over time as a band, and its decisions and changes as a list.

import { element } from "./plan.js";
import { at, make } from "./make.js";
import { clock, fill, ground, number, OUTCOMES, say, time, words } from "./words.js";

const LATE_S = 2;
const WIDE = 1000, HIGH = 24;
const CHANGES = { "online": ["permitted-again", "✓", "online"], "refused": ["refused-now", "!", "refused"], "forged": ["forged-now", "✗", "forged"] };

function entry(said) {
  const change = said.kind === "change";
  const [key, mark, tone] = change ? CHANGES[said.state] ?? ["gone-now", "×", "gone"] : [null, ...(OUTCOMES[said.outcome] ?? OUTCOMES.sealed)];
  const names = change ? said.grounds.map((name) => ground(name)[0]) : [];
  const about = change ? names.join(say("and")) : [say("door-named", { door: said.door }), ...(said.lateS > LATE_S ? [say("came-late", { n: number(said.lateS) })] : [])].join(" · ");
  const when = make("time", "", clock(said.atMs)), badge = make("span", "mark", mark);
  badge.setAttribute("aria-hidden", "true");
  when.dateTime = new Date(said.atMs).toISOString();
  const what = change ? say(key) : words().OUTCOMES[said.outcome] ?? words().OUTCOMES.sealed;
  return make("li", change ? `note ${tone}` : tone, badge, make("span", "what", what), make("span", "where", when, about ? ` · ${about}` : ""));
}

let shown = { key: null, number: 0 };

// Newest first; what stands already is left alone, so that it is not read out again. `token`: door and language.
export function showLines(door, token) {
  const list = at("lines");
  if (shown.key !== token) list.replaceChildren();
  const from = shown.key === token ? shown.number : 0;
  list.prepend(...door.lines.filter((line) => line.number > from).map(entry));
  while (list.children.length > door.lines.length) list.lastChild.remove();
  shown = { key: token, number: door.lines[0]?.number ?? 0 };
  at("count").textContent = door.decisions ? number(door.decisions) : "";
  at("no-decisions").hidden = door.lines.length > 0;
}

// The band from the first state that is known to now.
export function showPast(door, nowMs) {
  const past = door.past;
  at("history-none").hidden = past.length > 0;
  at("history").hidden = past.length === 0;
  if (past.length === 0) return;
  // A state that began days ago would leave no room for what was seen: the band begins an hour before the page did.
  const from = Math.max(past[0].atMs, Math.min(door.firstMs, nowMs) - 3_600_000), span = Math.max(1000, nowMs - from), parts = new Map();
  const drawing = element("svg", { viewBox: `0 0 ${WIDE} ${HIGH}`, preserveAspectRatio: "none", role: "img" });
  past.forEach(({ state, atMs }, index) => {
    const begins = Math.max(from, atMs), ends = past[index + 1]?.atMs ?? nowMs;
    if (ends <= from) return;
    parts.set(state, (parts.get(state) ?? 0) + ends - begins);
    drawing.append(element("rect", { x: ((begins - from) / span * WIDE).toFixed(2), width: Math.max(1.5, (ends - begins) / span * WIDE).toFixed(2), y: 0, height: HIGH, class: `band ${state}` }));
  });
  const part = new Intl.NumberFormat(words().tag, { style: "percent" });
  const shares = [...parts].map(([state, ms]) => ({ state, name: words().STATES[state][2], share: part.format(ms / span) }));
  drawing.setAttribute("aria-label", shares.map(({ name, share }) => fill(words().say["history-label"], { state: name, part: share, time: time(from) })).join("; "));
  at("band").replaceChildren(drawing);
  at("history-from").textContent = say("history-from", { time: time(from) });
  at("history-key").replaceChildren(...shares.map(({ state, name, share }) => make("li", state, make("span", `swatch ${state}`), `${name} ${share}`)));
  const changes = past.slice(-6).reverse().map(({ state, grounds, atMs }) => {
    const why = grounds.map((name) => ground(name)[0]).join(say("and"));
    return make("li", "", make("time", "", time(atMs)), make("span", "", words().STATES[state][2]), make("span", "soft", why));
  });
  at("changes").replaceChildren(...changes);
}
