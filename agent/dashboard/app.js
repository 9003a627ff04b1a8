// The page: hears, keeps the latest of each kind, and shows it. It can change nothing.

import { overlay, plan, words } from "./drawing.js";
import { listen } from "./live.js";
import { BROKER, GROUNDS, OBLIGATIONS, OUTCOMES, PASSES_CLOSED, STATES } from "./words.js";

const PREVIEW_MS = 200;
const QUIET_S = 30;
const KEPT = 200;

const at = (id) => document.getElementById(id);
const seen = { page: undefined, live: false, status: null, heardMs: null, sequences: new Set(), count: 0 };

function make(name, kind, ...children) {
  const made = document.createElement(name);
  if (kind) made.className = kind;
  made.append(...children);
  return made;
}

const clock = (date) => date.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false });
const moment = (unixS) => new Date(unixS * 1000);
const short = (hex) => hex ? `${hex.slice(0, 8)}…${hex.slice(-4)}` : "–";

function pairs(list, entries) {
  list.replaceChildren(...entries.flatMap(([name, value]) => [make("dt", "", name), make("dd", "", value)]));
}

// State ------------------------------------------------------------------------------------------------------------

function current() {
  if (seen.page === null) return "no-link";
  if (seen.page && (!seen.live || seen.page.broker.state !== "connected")) return seen.page.websocket || seen.page.broker.state !== "connected" ? "no-broker" : "waiting";
  const state = seen.status?.by === "link" ? seen.status.state : seen.status?.body?.state;
  return STATES[state] ? state : "waiting";
}

function explain(state) {
  if (state === "no-broker") return BROKER[seen.page.broker.state] ?? "";
  if (state !== "refused") return STATES[state][1];
  const closed = seen.status.body.grounds.some((ground) => PASSES_CLOSED.includes(ground));
  return closed ? "Nobody is looked at, and passes cannot be read by this camera." : "Nobody's face is looked at. Passes still open the door.";
}

function showState() {
  const state = current();
  const quiet = seen.heardMs === null ? 0 : (Date.now() - seen.heardMs) / 1000;
  const late = state === "online" && quiet > QUIET_S ? ` Last heard ${Math.round(quiet)} s ago.` : "";
  const grounds = state === "refused" ? seen.status.body.grounds : [];
  const told = JSON.stringify([state, explain(state), late, grounds]);
  if (told === seen.told) return; // what has not changed is not read out again
  seen.told = told;
  document.body.dataset.state = state;
  at("state-title").textContent = STATES[state][0];
  at("state-words").textContent = explain(state) + late;
  at("grounds").replaceChildren(...grounds.map((ground) => {
    const [title, why, article] = GROUNDS[ground] ?? [ground, "", ""];
    return make("li", "", make("strong", "", title), make("span", "", why), make("span", "article", article));
  }));
  document.title = `${STATES[state][0]} · Doorward`;
  const connected = seen.live && seen.page?.broker.state === "connected";
  at("live").dataset.live = connected ? "yes" : "no";
  at("live-words").textContent = connected ? "live" : seen.page === undefined ? "connecting" : "not live";
}

// Each kind of message ---------------------------------------------------------------------------------------------

const show = {
  status(message) {
    seen.status = message;
    const body = message.body;
    if (!body) return;
    at("no-status").hidden = true;
    pairs(at("about"), [
      ["Policy", body.policy_version === null ? "none" : `${body.policy_version}${body.single_key ? " (single key)" : ""}`],
      ["Mode", body.mode ?? "–"],
      ["Keys", body.key_backend === "plain" ? "plain (dev only)" : body.key_backend],
      ["Erasing", body.erase_strength],
      ["Events freed by", body.acknowledge === "consumer" ? "consumer" : "broker"],
      ["Detector", make("code", "", short(body.models?.detector))],
      ["Embedder", make("code", "", short(body.models?.embedder))],
      ["Runtime", body.models?.runtime ?? "–"],
      ["Doorward", body.agent],
    ]);
  },

  compliance(message) {
    const all = message.body.obligations;
    const met = all.filter((each) => each.state === "met").length;
    at("met").textContent = `${met} of ${all.length} met`;
    at("no-rules").hidden = all.length > 0;
    at("rules").replaceChildren(...all.map(({ ground, state, since_s: since }) => {
      const what = state === "met" ? OBLIGATIONS[ground] : GROUNDS[ground]?.[0];
      const tick = make("span", "tick", { met: "✓", unmet: "✗", unknown: "?" }[state] ?? "?");
      tick.setAttribute("role", "img");
      tick.setAttribute("aria-label", state);
      const line = make("li", state, tick, make("span", "what", what ?? ground), make("span", "article", `${GROUNDS[ground]?.[2] ?? ""} · since ${clock(moment(since))}`));
      return line;
    }));
  },

  metrics(message) {
    const body = message.body;
    at("no-metrics").hidden = true;
    pairs(at("metrics"), [
      ["Frames a second", body.fps.toFixed(1)],
      ["Frames seen", body.frames.toLocaleString()],
      ["Waiting events", body.queue.toLocaleString()],
      ["Memory", `${(body.rss_kb / 1024).toFixed(0)} MB`],
      ...body.refused.map(({ ground, frames }) => [`Refused: ${(GROUNDS[ground]?.[0] ?? ground).toLowerCase()}`, frames.toLocaleString()]),
    ]);
    const most = Math.max(1, ...body.stages.map((each) => each.median_ms));
    at("stages").replaceChildren(...body.stages.map(({ stage, median_ms: ms }) => {
      const meter = make("meter");
      meter.max = most;
      meter.value = ms;
      meter.setAttribute("aria-label", `${stage} median`);
      return make("div", "stage", make("span", "", stage), meter, make("span", "", `${ms.toFixed(1)} ms`));
    }));
  },

  ledger(message) {
    at("ledger-size").textContent = message.body.size.toLocaleString();
    at("ledger-root").textContent = message.body.root;
    at("ledger-time").textContent = "signed " + clock(moment(message.body.at_s));
  },

  notice(message) {
    const notice = message.body;
    at("frame").querySelector("svg")?.remove();
    at("frame").append(overlay(notice));
    at("frame").style.aspectRatio = `${notice.view.width} / ${notice.view.height}`;
    at("excluded-legend").hidden = notice.excluded.length === 0;
    at("plan").replaceChildren(plan(notice));
    at("plan-words").textContent = words(notice);
  },

  events(message) {
    if (seen.sequences.has(message.sequence)) return; // the device sends again what nobody has acknowledged
    seen.sequences.add(message.sequence);
    const [what, sign, kind] = OUTCOMES[message.outcome] ?? OUTCOMES.sealed;
    const late = Date.now() > message.not_after_ms;
    const mark = make("span", "mark", sign);
    mark.setAttribute("aria-hidden", "true");
    const now = new Date(), time = make("time", "", clock(now));
    time.dateTime = now.toISOString();
    const line = make("li", kind, mark, make("span", "what", what), make("span", "where", time, ` · ${message.door}${late ? " · late, kept by the device" : ""}`));
    at("timeline").prepend(line);
    while (at("timeline").children.length > KEPT) at("timeline").lastChild.remove();
    seen.count += 1;
    at("count").textContent = seen.count.toLocaleString();
    at("no-decisions").hidden = true;
  },
};

function heard(kind, message, retained) {
  if (!Object.hasOwn(show, kind) || (kind === "events" && retained)) return;
  if (message.by !== "link") seen.heardMs = retained ? Math.min(Date.now(), (message.unix_s ?? 0) * 1000) : Date.now();
  try {
    show[kind](message);
  } catch (fault) {
    console.warn(`${kind}: not understood`, fault);
  }
  showState();
}

// Preview ----------------------------------------------------------------------------------------------------------

function watch() {
  const picture = at("preview");
  let asked = 0;
  const ask = () => {
    if (document.hidden || !seen.page?.preview) {
      picture.hidden ||= !seen.page?.preview;
      at("no-preview").hidden = !picture.hidden;
      setTimeout(ask, PREVIEW_MS * 2);
      return;
    }
    asked = Date.now();
    picture.src = `preview.jpg?${asked}`;
  };
  const again = (good) => {
    picture.hidden = !good;
    at("no-preview").hidden = good;
    setTimeout(ask, Math.max(20, asked + (good ? PREVIEW_MS : 1000) - Date.now()));
  };
  picture.addEventListener("load", () => again(true));
  picture.addEventListener("error", () => again(false));
  ask();
}

listen({
  facts(page) {
    seen.page = page;
    if (page) {
      at("site").textContent = page.site;
      at("device").textContent = page.device;
    }
    showState();
  },
  live(there) {
    seen.live = there;
    showState();
  },
  heard,
});
setInterval(showState, 1000);
watch();
