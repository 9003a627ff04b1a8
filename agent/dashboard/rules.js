// The obligations article by article: met or not, since when, and on what evidence, as far as that is on the wire.

import { at, make, short, sign } from "./make.js";
import { about } from "./people.js";
import { date, fill, ground, MARKS, named, number, provision, say, timeToSecond, words } from "./words.js";

// Which part of what a device publishes an obligation stands on.
const STANDS_ON = {
  "policy": ["policy-not-in-force", "lease-expired", "stopped", "purpose-unfit", "necessity-missing", "basis-unfit", "mode-unjustified", "place-private", "alternative-missing", "retention-too-long"],
  "assessment": ["assessment-missing", "assessment-stale", "assessment-unfit"],
  "notice": ["notice-incomplete", "notice-mismatch"],
  "sign": ["sign-missing", "sign-forbids"],
  "models": ["model-not-allowed", "output-not-allowed"],
  "keys": ["keys-not-sealed"],
  "checkpoint": ["ledger-unwritable", "clock-untrusted"],
  "place": ["location-unknown", "in-zone", "view-unknown", "device-moved"],
  "filing": ["filing-overdue"],
};
const ORDER = ["unmet", "unknown", "met", "not-binding"];
const STANDS = Object.fromEntries(Object.entries(STANDS_ON).flatMap(([what, all]) => all.map((name) => [name, what])));

function evidence(name, { status, compliance, notice, ledger }) {
  const what = STANDS[name], body = status?.body, told = notice?.body, tell = (values) => fill(words().EVIDENCE[what], values);
  switch (what) {
    case "policy": return body?.policy_version ? tell({ n: body.policy_version }) : "";
    case "assessment": return compliance.body.assessment_until_s ? tell({ time: date(compliance.body.assessment_until_s * 1000) }) : "";
    case "notice": return told ? tell({ id: told.version, hash: short(told.sha256) }) : "";
    case "sign": return told ? tell({ id: told.sign }) : "";
    case "models": return body?.models ? tell({ hash: `${short(body.models.detector)}, ${short(body.models.embedder)}` }) : "";
    case "keys": return body?.key_backend ? tell({ name: body.key_backend === "plain" ? say("keys-plain") : named(body.key_backend) }) : "";
    case "checkpoint": return ledger ? tell({ n: number(ledger.body.size), hash: short(ledger.body.root) }) : "";
    case "place": return told?.camera ? tell({ n: Math.round(3 * told.camera.sigma_m) }) : "";
    case "filing": return typeof compliance.body.filing_left === "number" ? tell({ words: about(compliance.body.filing_left) }) : "";
    default: return "";
  }
}

// Under each provision what serves it; unmet first, in the gate's order within.
export function showRules({ latest }) {
  const body = latest.compliance?.body, all = body?.obligations ?? [];
  const binding = all.filter((each) => each.state !== "not-binding"), met = binding.filter((each) => each.state === "met").length;
  at("met").textContent = all.length ? say("rules-count", { met: number(met), n: number(binding.length) }) : "";
  at("profile").textContent = body?.profile ? say("profile", { name: body.profile }) : "";
  at("no-rules").hidden = all.length > 0;
  const sorted = all.toSorted((a, b) => ORDER.indexOf(a.state) - ORDER.indexOf(b.state));
  at("rules").replaceChildren(...sorted.map(({ ground: name, state, since_s: since }) => {
    const known = Object.hasOwn(words().OBLIGATIONS, name), what = state === "unmet" || !known ? ground(name)[0] : words().OBLIGATIONS[name], [article, asks] = provision(body.profile, name);
    const tick = sign("tick", MARKS[state] ?? "?", words().MET[state] ?? String(state));
    const proof = state === "not-binding" ? "" : evidence(name, latest);
    const line = make("li", state in MARKS ? state : "unknown", tick, make("span", "what", what));
    if (state === "not-binding") line.append(make("span", "article", say("not-binding")));
    else {
      line.append(make("span", "article", make("span", "where-it-stands", article), asks ? ` ${asks}` : ""));
      line.append(make("span", "stands", [since > 0 ? say("since", { time: timeToSecond(since * 1000) }) : "", proof ? say("evidence", { what: proof }) : ""].filter(Boolean).join(" · ")));
    }
    return line;
  }));
}
