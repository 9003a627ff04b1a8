// One door. Each card is drawn again only when what it shows has changed.

import { alertsOf, alertWords } from "./alerts.js";
import { showCharts } from "./charts.js";
import { showDevice, showLedger, showProofs, showWork } from "./device.js";
import { groundsOf, proofOf, sinceOf, stateOf } from "./doors.js";
import { at, make, sign } from "./make.js";
import { showPeople } from "./people.js";
import { looks, overlay, plan, words as planWords } from "./plan.js";
import { showRules } from "./rules.js";
import { showLines, showPast } from "./timeline.js";
import { available } from "./verify.js";
import { fill, ground, named, PASSES_CLOSED, provision, say, SIGNS, timeToSecond, words } from "./words.js";

const QUIET_S = 30;
const drawn = new Map();

// Draws `name` again if one of `inputs` is another one than last time; what a card cannot show leaves the others alone.
function once(name, inputs, draw) {
  const last = drawn.get(name);
  if (last?.length === inputs.length && last.every((each, index) => Object.is(each, inputs[index]))) return;
  drawn.set(name, inputs);
  try {
    draw();
  } catch (fault) {
    console.warn(`${name}: not understood`, fault);
  }
}

function explain(state, door, broker) {
  if (state === "no-broker") return words().BROKER[broker] ?? "";
  if (state === "forged") return say("forged-words", { kind: named("status"), why: words().why[door.forged.get("status")?.why] ?? "" });
  if (state !== "refused") return words().STATES[state][1];
  return say(groundsOf(door).some((name) => PASSES_CLOSED.includes(name)) ? "passes-closed" : "passes-work");
}

// What stands at the top; `over` is a state of the page itself (no-broker, no-link) that hides the door's.
function showState(door, over, broker, nowMs) {
  const state = over ?? stateOf(door, nowMs), judged = state === "online" || state === "refused";
  const quiet = door.heardMs === null ? 0 : (nowMs - door.heardMs) / 1000;
  const late = judged && quiet > QUIET_S ? ` ${say("quiet", { n: Math.round(quiet) })}` : "";
  const grounds = state === "refused" ? groundsOf(door) : [], sinceMs = over ? null : sinceOf(door, state);
  const since = sinceMs ? say(state === "silent" ? "last-heard" : "since", { time: timeToSecond(sinceMs) }) : "";
  const profile = door.latest.compliance?.body?.profile, proof = proofOf(door), told = explain(state, door, broker) + late;
  once("since", [since], () => {
    at("state-since").textContent = since;
    at("state-since").hidden = !since;
  });
  once("state", [state, told, String(grounds), profile, words()], () => { // what has not changed is not read out again
    document.body.dataset.state = state;
    at("state-title").textContent = words().STATES[state][0];
    at("state-words").textContent = told;
    at("grounds").replaceChildren(...grounds.map((name) => {
      const [title, why, todo] = ground(name), [article, asks] = provision(profile, name);
      return make("li", "", make("strong", "", title), make("span", "", why), make("span", "article", [article, asks].filter(Boolean).join(words().tag === "en" ? ": " : "：")),
        ...(todo ? [make("span", "to-do", say("to-do", { what: todo }))] : []));
    }));
    at("view-words").textContent = say(state === "refused" ? "view-blocks" : "view-sharp");
    document.title = `${words().STATES[state][0]} · Doorward`;
  });
  once("state-proof", [proof, state, words(), available()], () => {
    const shown = available() && ["online", "refused"].includes(state);
    at("state-proof").replaceChildren(...shown ? [sign(`seal ${proof}`, SIGNS[proof], say("proof")), say(proof)] : []);
  });
  const alerts = alertsOf(door, state, nowMs).filter((each) => each.kind !== state);
  once("door-alerts", [JSON.stringify(alerts), words()], () => {
    at("door-alerts").hidden = alerts.length === 0;
    at("door-alerts").replaceChildren(...alerts.map((alert) => make("li", alert.level > 1 ? "now" : "soon", alertWords(alert))));
  });
}

function showNotice({ latest: { notice } }) {
  const body = notice?.body;
  at("frame").querySelector("svg")?.remove();
  at("no-plan").hidden = Boolean(body);
  if (!body) return at("plan").replaceChildren(), void (at("plan-words").textContent = "");
  at("frame").append(overlay(body));
  at("frame").style.aspectRatio = `${body.view.width} / ${body.view.height}`;
  at("excluded-legend").hidden = body.excluded.length === 0;
  at("plan").replaceChildren(plan(body));
  at("plan-words").textContent = planWords(body);
  return void (at("camera-legend").textContent = say(looks(body.camera) ? "camera-view" : "camera"));
}

// `door`: what doors.js keeps. `page`: { over, broker, theme }.
export function showDoor(door, page, nowMs) {
  const { latest } = door, look = `${door.key} ${words().tag}`;
  showState(door, page.over, page.broker, nowMs);
  once("lines", [look, door.lines[0], door.decisions], () => showLines(door, look));
  once("past", [look, door.past.length, Math.floor(nowMs / 5000)], () => showPast(door, nowMs));
  once("notice", [look, latest.notice], () => showNotice(door));
  once("rules", [look, latest.compliance, latest.status, latest.notice], () => showRules(door));
  once("work", [look, latest.metrics], () => showWork(door));
  once("people", [look, latest.compliance, latest.metrics], () => showPeople(door));
  once("ledger", [look, latest.ledger], () => showLedger(door));
  once("device", [look, latest.status], () => showDevice(door));
  once("proofs", [look, ...Object.values(door.proofs)], () => showProofs(door));
  once("charts", [look, page.theme, door.samples.at(-1)], () => showCharts(door, `${words().tag} ${page.theme}`));
}

// Another width, another theme: lines are drawn in pixels and colours.
export const drawChartsAgain = () => drawn.delete("charts");

// A door that was never heard, by name.
export function unheard(site, device) {
  at("unheard").hidden = false;
  at("unheard-words").textContent = fill(words().say["unknown-door-words"], { door: `${site}/${device}` });
}
