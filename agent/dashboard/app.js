// The page: hears, keeps the latest of each kind, and shows it. It can change nothing.

import { looks, overlay, plan, words } from "./drawing.js";
import { listen } from "./live.js";
import { ACT_WITHIN_S, BROKER, GROUNDS, MARKS, OBLIGATIONS, OUTCOMES, PASSES_CLOSED, STATES, provision } from "./words.js";

const PREVIEW_MS = 200;
const QUIET_S = 30;
const KEPT = 200;
const LATE_S = 2;

const at = (id) => document.getElementById(id);
const seen = { page: undefined, live: false, status: null, sinceS: 0, unmet: null, profile: null, heardMs: null, events: new Set(), count: 0, noted: null };

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

const connected = () => seen.live && seen.page?.broker.state === "connected";

function current() {
  if (seen.page === null) return "no-link";
  if (seen.page && !connected()) return seen.page.websocket || seen.page.broker.state !== "connected" ? "no-broker" : "waiting";
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
  const judged = state === "online" || state === "refused";
  const since = judged && seen.unmet === String(grounds) ? `since ${clock(moment(seen.sinceS))}` : "";
  at("state-since").textContent = since;
  at("state-since").hidden = !since;
  const told = JSON.stringify([state, explain(state), late, grounds, seen.profile, connected(), seen.page === undefined]);
  if (told === seen.told) return; // what has not changed is not read out again
  seen.told = told;
  document.body.dataset.state = state;
  at("state-title").textContent = STATES[state][0];
  at("state-words").textContent = explain(state) + late;
  at("grounds").replaceChildren(...grounds.map((ground) => {
    const [title, why] = GROUNDS[ground] ?? [ground, ""];
    return make("li", "", make("strong", "", title), make("span", "", why), make("span", "article", provision(seen.profile, ground)));
  }));
  at("view-words").textContent = state === "refused"
    ? "While recognition is refused, the whole picture is blocks."
    : "Only the empty scene, as it was commissioned, is sharp. Whoever comes is shown as blocks.";
  document.title = `${STATES[state][0]} · Doorward`;
  at("live").dataset.live = connected() ? "yes" : "no";
  at("live-words").textContent = connected() ? "live" : seen.page === undefined ? "connecting" : "not live";
  if (judged) note(state, grounds);
}

// The timeline ------------------------------------------------------------------------------------------------------

function line(kind, sign, what, where, date) {
  const mark = make("span", "mark", sign), time = make("time", "", clock(date));
  mark.setAttribute("aria-hidden", "true");
  time.dateTime = date.toISOString();
  at("timeline").prepend(make("li", kind, mark, make("span", "what", what), make("span", "where", time, where)));
  while (at("timeline").children.length > KEPT) at("timeline").lastChild.remove();
}

// A change of state stands between the decisions; the state in which the page was opened does not.
function note(state, grounds) {
  const names = grounds.map((ground) => (GROUNDS[ground]?.[0] ?? ground).toLowerCase()).join(", ");
  const noted = `${state} ${names}`;
  if (seen.noted !== null && seen.noted !== noted) {
    const [what, sign] = state === "online" ? ["Recognition permitted", "✓"] : ["Recognition refused", "!"];
    line(`note ${state}`, sign, what, names ? ` · ${names}` : "", new Date());
  }
  seen.noted = noted;
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
    const all = message.body.obligations, binding = all.filter((each) => each.state !== "not-binding");
    const met = binding.filter((each) => each.state === "met").length;
    seen.profile = message.body.profile;
    seen.sinceS = Math.max(0, ...all.map((each) => each.since_s));
    seen.unmet = String(all.filter((each) => each.state === "unmet").map((each) => each.ground));
    at("met").textContent = `${met} of ${binding.length} met`;
    at("profile").textContent = seen.profile ? `profile ${seen.profile}` : "";
    at("no-rules").hidden = all.length > 0;
    at("rules").replaceChildren(...all.map(({ ground, state, since_s: since }) => {
      const what = state === "unmet" ? GROUNDS[ground]?.[0] : OBLIGATIONS[ground];
      const tick = make("span", "tick", MARKS[state] ?? "?");
      tick.setAttribute("role", "img");
      tick.setAttribute("aria-label", state.replace("-", " "));
      const why = provision(seen.profile, ground), time = clock(moment(since));
      const article = state === "not-binding" ? "not binding" : [why.split(":")[0], `since ${state === "met" ? time.slice(0, 5) : time}`].filter(Boolean).join(" · ");
      const line = make("li", state, tick, make("span", "what", what ?? ground), make("span", "article", article));
      line.title = why;
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
      ...[["Oldest template", body.oldest_days], ["Next erasure by date in", body.purge_in_days]]
        .filter(([, days]) => days != null) // nobody is enrolled, or the clock is not trusted
        .map(([name, days]) => [name, `${days.toLocaleString()} ${days === 1 ? "day" : "days"}`]),
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
    const signedS = message.body.at_s; // 0: the clock was not trusted yet
    at("ledger-time").textContent = signedS > 0 ? `Checkpoint signed at ${clock(moment(signedS))}` : "Checkpoint signed before the clock was trusted";
  },

  notice(message) {
    const notice = message.body;
    at("frame").querySelector("svg")?.remove();
    at("frame").append(overlay(notice));
    at("frame").style.aspectRatio = `${notice.view.width} / ${notice.view.height}`;
    at("excluded-legend").hidden = notice.excluded.length === 0;
    at("plan").replaceChildren(plan(notice));
    at("plan-words").textContent = words(notice);
    at("camera-legend").textContent = looks(notice.camera) ? "camera and its view" : "camera";
  },

  events(message) {
    // The device sends again what nobody has acknowledged; a new device counts from 1 again.
    const key = `${message.sequence} ${message.not_after_ms}`;
    if (seen.events.has(key)) return;
    seen.events.add(key);
    const [what, sign, kind] = OUTCOMES[message.outcome] ?? OUTCOMES.sealed;
    const decided = new Date(message.not_after_ms - ACT_WITHIN_S * 1000);
    const waited = (Date.now() - decided) / 1000;
    line(kind, sign, what, ` · door ${message.door}${waited > LATE_S ? ` · came ${Math.round(waited)} s late` : ""}`, decided);
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
