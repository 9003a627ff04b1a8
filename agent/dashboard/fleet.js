// All doors at a glance: a tile each, those that need a look first. Only tiles that changed are touched.

import { alertsOf, alertWords } from "./alerts.js";
import { groundsOf, proofOf, sinceOf, stateOf } from "./doors.js";
import { at, make, place, sign, write } from "./make.js";
import { available } from "./verify.js";
import { ground, number, say, SIGNS, time, words } from "./words.js";

const RANKS = ["forged", "silent", "recogniser-lost", "offline", "refused", "waiting", "online"];
const MARKS = { "online": "✓", "refused": "!", "offline": "×", "recogniser-lost": "×", "silent": "…", "forged": "✗", "waiting": "…" };
const FEW = 6;
const SHELF = 12; // fills its rows in one, two, three or four columns
const ALL = "all";

const natural = new Intl.Collator("en", { numeric: true }); // gate-2 stands before gate-10
const tiles = new Map(); // door's key -> { item, view, parts... }
let wanted = { state: ALL, search: "" }, allAlerts = false, loggedIn = false;

export const link = ({ site, device }) => `#/${site}/${device}`;

// What a tile shows, as plain values: two that are equal look the same.
function look(door, nowMs) {
  const state = stateOf(door, nowMs), grounds = groundsOf(door), alerts = alertsOf(door, state, nowMs);
  const since = sinceOf(door, state), proof = proofOf(door);
  const why = state === "refused" ? grounds.map((name) => ground(name)[0])
    : state === "forged" ? [words().why[door.forged.get("status")?.why] ?? ""] : [];
  const alert = alerts.find((each) => each.kind !== state);
  const rank = RANKS.indexOf(state) * 2 - (state === "online" && alert ? 1 : 0);
  return { state, proof, since: since ? time(since) : "", why: why.slice(0, 1).join(""), more: Math.max(0, why.length - 1), alert: alert ? alertWords(alert) : "", level: alert?.level ?? 0, rank, alerts, search: `${door.site} ${door.device} ${words().STATES[state][2]} ${why.join(" ")} ${grounds.join(" ")}`.toLowerCase() };
}

const told = (view) => [view.state, view.proof, view.since, view.why, view.more, view.alert, view.level, words().tag].join("|");

function tile(door) {
  const parts = Object.fromEntries(["mark", "tile-state", "tile-since", "tile-why", "tile-alert"].map((name) => [name, make("span", name)]));
  parts.mark.setAttribute("aria-hidden", "true");
  const proof = make("span", "proof"), anchor = make("a", "tile",
    make("span", "tile-top", parts.mark, make("span", "tile-name", make("strong", "", door.device), make("span", "tile-site", door.site)), proof),
    make("span", "tile-now", parts["tile-state"], parts["tile-since"]), parts["tile-why"], parts["tile-alert"]);
  anchor.href = link(door);
  const item = make("div", "", anchor);
  item.setAttribute("role", "listitem");
  return { item, anchor, proof, parts, view: null, told: "", turn: 0 };
}

function draw(made, view) {
  const { parts, anchor } = made;
  anchor.dataset.state = view.state;
  anchor.dataset.level = view.level;
  write(parts.mark, MARKS[view.state]);
  write(parts["tile-state"], words().STATES[view.state][2]);
  write(parts["tile-since"], view.since ? say(view.state === "silent" ? "last-heard" : "since", { time: view.since }) : "");
  write(parts["tile-why"], view.more ? `${view.why} ${say("more", { n: view.more })}` : view.why);
  write(parts["tile-alert"], view.alert);
  made.proof.replaceChildren(...available() ? [sign(`seal ${view.proof}`, SIGNS[view.proof], say(view.proof))] : []);
}

// `dirty`: doors that changed, or null for all of them (another language, a new day, the first time).
export function showFleet(all, dirty, nowMs, login) {
  loggedIn = login;
  for (const door of dirty ?? all.values()) {
    if (!tiles.has(door.key)) {
      tiles.set(door.key, tile(door));
      counted = false;
    }
    const made = tiles.get(door.key), view = look(door, nowMs), now = told(view);
    made.view = view;
    if (now !== made.told) draw(made, view);
    made.told = now;
  }
  for (const key of tiles.keys()) {
    if (all.has(key)) continue;
    tiles.get(key).item.remove();
    tiles.delete(key);
  }
  if (!counted) [...tiles.keys()].sort(natural.compare).forEach((key, turn) => { tiles.get(key).turn = turn; });
  counted = true;
  arrange();
}

const fits = ({ view }) => (wanted.state === ALL || view.state === wanted.state) && wanted.search.split(/\s+/).every((part) => view.search.includes(part));
let arranged = "", counted = true;

// A browser looks at each shelf, not at each tile, to know what is in sight: five hundred cost it a sixth of a core.
function shelve(list, items) {
  for (let from = 0, here = list.firstElementChild; from < items.length || here; from += SHELF) {
    const shelf = here ?? list.appendChild(make("div", "tiles"));
    here = shelf.nextElementSibling;
    if (from < items.length) place(shelf, items.slice(from, from + SHELF));
    else shelf.remove();
  }
}

// Sorts, filters and counts; does nothing to the page while the order is what it was.
function arrange() {
  const sorted = [...tiles.entries()].sort(([, a], [, b]) => a.view.rank - b.view.rank || b.view.level - a.view.level || a.turn - b.turn);
  const shown = sorted.filter(([, made]) => fits(made));
  const order = `${shown.map(([key, { view }]) => `${key}${view.rank}`)}`;
  const well = ({ view }) => view.rank === RANKS.indexOf("online") * 2;
  if (order !== arranged) {
    arranged = order;
    const focused = document.activeElement; // stays, wherever its tile goes
    const groups = { attention: shown.filter(([, made]) => !well(made)), well: shown.filter(([, made]) => well(made)) };
    for (const [name, group] of Object.entries(groups)) {
      shelve(at(`${name}-tiles`), group.map(([, made]) => made.item));
      at(name).hidden = group.length === 0;
      write(at(`${name}-count`), number(group.length));
    }
    if (focused !== document.activeElement && focused?.isConnected) focused.focus({ preventScroll: true });
  }
  counts(sorted.map(([, made]) => made));
  showAlerts(sorted);
  const empty = tiles.size === 0 ? (loggedIn ? "no-doors" : "no-doors-out") : shown.length === 0 ? "nothing-found" : "";
  at("fleet-empty").hidden = !empty;
  write(at("fleet-empty-words"), empty ? say(empty) : "");
  at("fleet-show-all").hidden = empty !== "nothing-found";
}

function counts(made) {
  const by = new Map([[ALL, made.length]]);
  for (const { view } of made) by.set(view.state, (by.get(view.state) ?? 0) + 1);
  const bad = made.filter(({ view }) => view.rank !== RANKS.indexOf("online") * 2).length, n = number(made.length);
  write(at("fleet-title"), say(made.length === 1 ? "fleet-title-one" : "fleet-title", { n }));
  write(at("fleet-words"), made.length === 0 ? "" : bad ? say("fleet-few", { n, bad: number(bad) }) : say("fleet-well", { n }));
  at("fleet-head").dataset.state = made.length === 0 ? "waiting" : bad ? "refused" : "online";
  for (const name of [ALL, ...RANKS]) {
    let chip = at(`chip-${name}`);
    if (!chip) {
      chip = make("button", "chip", make("span", "chip-mark"), make("span", "chip-name"), make("span", "chip-count"));
      Object.assign(chip, { id: `chip-${name}`, type: "button" });
      chip.dataset.state = name;
      chip.firstChild.setAttribute("aria-hidden", "true");
      write(chip.firstChild, MARKS[name] ?? "");
      chip.addEventListener("click", () => filter({ state: wanted.state === name ? ALL : name }));
      at("chips").append(chip);
    }
    const many = by.get(name) ?? 0;
    write(chip.children[1], name === ALL ? say("all") : words().STATES[name][2]);
    write(chip.children[2], number(many));
    chip.setAttribute("aria-pressed", String(wanted.state === name));
    chip.hidden = name !== ALL && many === 0 && wanted.state !== name;
  }
}

let alertsTold = "";

function showAlerts(sorted) {
  const all = sorted.flatMap(([key, { view }]) => view.alerts.map((alert) => ({ key, alert, words: alertWords(alert) })));
  all.sort((a, b) => b.alert.level - a.alert.level);
  const now = JSON.stringify([all.map((each) => [each.key, each.words]), allAlerts, words().tag]);
  if (now === alertsTold) return;
  alertsTold = now;
  const few = allAlerts ? all : all.slice(0, FEW);
  at("alert-list").replaceChildren(...few.map(({ key, alert, words: said }) => {
    const anchor = make("a", "", make("strong", "", key), make("span", "", said));
    anchor.href = `#/${key}`;
    const item = make("li", alert.level > 1 ? "now" : "soon", anchor);
    return item;
  }));
  write(at("alert-count"), all.length ? number(all.length) : "");
  at("no-alerts").hidden = all.length > 0;
  at("alerts-all").hidden = all.length <= FEW;
  at("alerts-all").setAttribute("aria-expanded", String(allAlerts));
  write(at("alerts-all"), say(allAlerts ? "alerts-few" : "alerts-all", { n: number(all.length) }));
}

function filter(change) {
  wanted = { ...wanted, ...change };
  arrange();
}

at("search").addEventListener("input", ({ target }) => filter({ search: target.value.trim().toLowerCase() }));
at("alerts-all").addEventListener("click", () => {
  allAlerts = !allAlerts;
  arrange();
});
at("fleet-show-all").addEventListener("click", () => {
  at("search").value = "";
  filter({ state: ALL, search: "" });
  at("search").focus();
});
