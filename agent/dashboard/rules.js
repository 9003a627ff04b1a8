// The obligations article by article: met or not, since and until when, and on what evidence.

import { at, make, short, sign } from "./make.js";
import { about } from "./people.js";
import { date, fill, ground, MARKS, named, number, provision, say, served, timeToSecond, words } from "./words.js";

const ORDER = ["unmet", "unknown", "expiring", "met", "not-binding"];
const KEPT = ["met", "expiring"];
// What has no record with an id of its own shows in what else the device says.
const PLACE = ["location-unknown", "device-moved"];

const whole = (id) => short(id).replace("…", "\u2060…\u2060"); // on one line

function evidence({ ground: name, state, evidence: proof }, { status, compliance, notice }) {
  const kinds = words().EVIDENCE, camera = notice?.body?.camera, backend = status?.body?.key_backend, left = compliance.body.filing_left;
  if (proof) return Object.hasOwn(kinds, proof.kind) ? fill(kinds[proof.kind], { hash: proof.ids.map(whole).join(say("and")) }) : "";
  if (!KEPT.includes(state)) return "";
  if (name === "keys-not-sealed" && backend) return fill(kinds.keys, { name: backend === "plain" ? say("keys-plain") : named(backend) });
  if (PLACE.includes(name) && camera) return fill(kinds.place, { n: Math.round(3 * camera.sigma_m) });
  return name === "filing-overdue" && typeof left === "number" ? fill(kinds["filing-left"], { words: about(left) }) : "";
}

// Laws by name, articles by number, the agent's own rules behind them, and last what the profile leaves open.
function place(english) {
  const heading = english.split(": ")[0], [, law, number] = /^(\D*)(\d*)/.exec(heading);
  return [heading ? heading === "house rule" ? 1 : 0 : 2, law, Number(number)];
}

function inOrder(a, b) {
  const [one, other] = [place(a), place(b)], at = one.findIndex((each, index) => each !== other[index]);
  return at < 0 ? 0 : one[at] < other[at] ? -1 : 1;
}

function line(each, profile, latest) {
  const { ground: name, state, since_s: since, until_s: until } = each, known = Object.hasOwn(words().OBLIGATIONS, name);
  const told = words().MET[state] ?? String(state), proof = evidence(each, latest), asks = provision(profile, name)[1];
  const made = make("li", state in MARKS ? state : "unknown", sign("tick", MARKS[state] ?? "?", told));
  made.append(make("span", "what", state === "unmet" || !known ? ground(name)[0] : words().OBLIGATIONS[name]));
  if (state === "not-binding") return made;
  if (asks) made.append(make("span", "article", asks));
  const word = make("span", "state-word", told);
  word.setAttribute("aria-hidden", "true"); // the tick says it already
  const more = [since > 0 ? say("since", { time: timeToSecond(since * 1000) }) : "", typeof until === "number" ? say("until", { time: date(until * 1000) }) : "", proof ? say("evidence", { what: proof }) : ""];
  made.append(make("span", "stands", word, more.filter(Boolean).map((part) => ` · ${part}`).join("")));
  return made;
}

// Under each article what serves it; within it what is not met first, and else in the gate's order.
export function showRules({ latest }) {
  const body = latest.compliance?.body, all = body?.obligations ?? [], groups = new Map();
  const kept = (list) => number(list.filter((each) => KEPT.includes(each.state)).length);
  const binding = all.filter((each) => each.state !== "not-binding");
  at("met").textContent = all.length ? say("rules-count", { met: kept(binding), n: number(binding.length) }) : "";
  at("profile").textContent = body?.profile ? say("profile", { name: body.profile }) : "";
  at("no-rules").hidden = all.length > 0;
  for (const each of all) {
    const english = each.state === "not-binding" ? "" : served(body.profile, each.ground), heading = english ? provision(body.profile, each.ground)[0] : say(each.state === "not-binding" ? "not-binding" : "no-article");
    if (!groups.has(heading)) groups.set(heading, { english, list: [] });
    groups.get(heading).list.push(each);
  }
  const sorted = [...groups].toSorted(([, a], [, b]) => inOrder(a.english, b.english));
  const made = sorted.map(([heading, { english, list }], index) => {
    const title = make("h3", "", make("span", "where-it-stands", heading)), lines = make("ul");
    title.id = `article-${index}`;
    lines.setAttribute("aria-labelledby", title.id);
    if (english) title.append(" ", make("span", "count", say("rules-count", { met: kept(list), n: number(list.length) })));
    lines.append(...list.toSorted((a, b) => ORDER.indexOf(a.state) - ORDER.indexOf(b.state)).map((each) => line(each, body.profile, latest)));
    return make("div", "law", title, lines);
  });
  const fresh = make("div", "", ...made);
  if (fresh.innerHTML !== at("rules").innerHTML) at("rules").replaceChildren(...made); // a reader's place in it stays
}
