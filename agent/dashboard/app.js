// The page: hears, keeps, and shows either all doors or one. It can change nothing.

import { drawChartsAgain, showDoor, unheard } from "./door.js";
import { doors } from "./doors.js";
import { showFleet } from "./fleet.js";
import { ask, connect } from "./live.js";
import { login } from "./login.js";
import { dressed, theme } from "./look.js";
import { at, write } from "./make.js";
import { watch } from "./preview.js";
import { trust } from "./trust.js";
import { available } from "./verify.js";
import { number, say } from "./words.js";

const TICK_MS = 1000;
const AGAIN_MS = 60_000; // a time of yesterday gets its day
const SETTLE_MS = 3000;
const DRAW_MS = 50;

const here = { page: undefined, live: false, liveMs: 0, lostMs: null, client: null, entered: null, asked: false };
let dirty = new Set(), everything = true, due = false, drawnMs = 0;

const keys = trust(() => {
  here.pinned = keys.ring.list().length;
  house.judgeAgain();
  if (here.entered) enter(here.entered); // what is retained comes again, and is judged by the new keys
  again();
});
here.pinned = keys.ring.list().length;
const house = doors({
  keyOf: (site, device) => keys.ring.find(site, device),
  changed(door) {
    dirty.add(door);
    soon();
  },
});

// Which door is looked at: the one of the link that serves this page, or the one in the address bar, or none.
function looked() {
  const page = here.page;
  if (here.own) return here.own;
  const [, site, device] = /^#\/([a-z0-9-]+)\/([a-z0-9-]+)$/.exec(location.hash) ?? [];
  return page !== undefined && site ? { site, device } : null;
}

const connected = () => here.live && (!here.own || here.page?.broker?.state === "connected");

// A state of the page that hides the door's own.
function over() {
  if (!here.own) return here.live || !here.entered ? null : "no-broker";
  if (here.page === null) return "no-link";
  if (connected()) return null;
  return here.page.websocket || here.page.broker.state !== "connected" ? "no-broker" : "waiting";
}

// While this page hears nothing, nobody else falls silent.
function judgedMs() {
  const now = Date.now();
  return here.live && now - here.liveMs > SETTLE_MS ? now : Math.min(now, here.lostMs ?? now);
}

function draw() {
  due = false;
  const where = looked(), door = where && house.all.get(`${where.site}/${where.device}`), nowMs = judgedMs();
  const fleet = !where && here.page !== undefined;
  at("fleet").hidden = !fleet;
  at("door").hidden = !door;
  at("unheard").hidden = true;
  at("crumb").hidden = Boolean(here.own) || !where;
  at("place").hidden = !where;
  document.body.dataset.view = here.own ? "own" : fleet ? "fleet" : "door";
  if (where) {
    write(at("site"), where.site);
    write(at("device"), where.device);
  }
  if (fleet) {
    showFleet(house.all, everything ? null : dirty, nowMs, here.live);
    document.body.dataset.state = "fleet";
    document.title = `${say("fleet")} · Doorward`;
  } else if (door) showDoor(door, { over: over(), broker: here.page?.broker?.state ?? "none", theme: theme() }, nowMs);
  else if (where) unheard(where.site, where.device);
  if (fleet) [dirty, everything] = [new Set(), false];
  frame();
  drawnMs = Date.now();
}

// What surrounds the view: whether it is live, and how far it can be believed.
function frame() {
  const out = !here.own && !here.entered;
  at("live").dataset.live = connected() ? "yes" : "no";
  write(at("live-words"), say(connected() ? "live" : here.page === undefined ? "connecting" : out ? "logged-out" : "not-live"));
  at("log").hidden = Boolean(here.own) && !here.asked;
  write(at("log"), say(here.entered && !here.own ? "log-out" : "log-in"));
  const none = available() && here.pinned === 0 && house.all.size > 0;
  const why = !available() ? (isSecureContext ? "unavailable-no-ed25519" : "unavailable-insecure") : none ? "no-keys" : "";
  at("trust").hidden = !why;
  at("trust").dataset.why = why;
  write(at("trust-words"), why ? say(why) : "");
  at("trust-pin").hidden = !none;
}

// Twenty times a second are enough for a reader, and leave the time to many doors.
function soon() {
  if (due) return;
  due = true;
  const wait = drawnMs + DRAW_MS - Date.now();
  if (wait > 0) setTimeout(() => requestAnimationFrame(draw), wait);
  else requestAnimationFrame(draw);
}

function again() {
  everything = true;
  drawChartsAgain();
  soon();
}

// The broker ---------------------------------------------------------------------------------------------------------

function forget() {
  house.forget();
  if (here.own) house.open(here.own.site, here.own.device);
  again();
}

const askLogin = login((given) => {
  forget();
  enter(given);
});

async function enter(given) {
  here.client?.end();
  here.client = null;
  here.entered = given;
  let mine = true;
  const client = await connect(given, {
    heard: house.heard,
    live(there) {
      if (!mine) return;
      if (there && !here.live) here.liveMs = Date.now();
      if (!there && here.live) here.lostMs = Date.now();
      here.live = there;
      soon();
    },
    failed(why) {
      if (!mine || (here.own && why === "unreachable")) return; // the link says more of that, and it tries again
      leave();
      here.asked = true;
      askLogin(given, why);
    },
  });
  here.client = { end: () => (mine = false, client.end()) };
  if (here.entered !== given) here.client.end();
}

function leave() {
  here.client?.end();
  Object.assign(here, { client: null, entered: null, live: false });
  again();
}

const offered = () => ({ address: here.page?.websocket ?? null, prefix: here.page?.prefix ?? null });

at("log").addEventListener("click", () => {
  if (!here.entered || here.own) return askLogin(offered());
  leave();
  location.hash = "";
  return forget();
});

let joined = null;

ask((page) => {
  const first = here.page === undefined;
  here.page = page;
  if (typeof page?.device === "string") {
    here.own = { site: page.site, device: page.device };
    house.open(page.site, page.device);
    if (page.websocket && page.websocket !== joined) {
      joined = page.websocket;
      enter({ address: page.websocket, user: "", password: "", prefix: page.prefix });
    }
  } else if (first) askLogin(offered());
  soon();
});

// The watcher --------------------------------------------------------------------------------------------------------

for (const id of ["open-keys", "trust-pin"]) at(id).addEventListener("click", keys.open);
addEventListener("hashchange", () => {
  everything = true;
  draw();
  scrollTo(0, 0);
  at("main").focus({ preventScroll: true });
});
at("skip").addEventListener("click", (event) => { // the address bar names the door that is looked at
  event.preventDefault();
  at("main").focus();
});
addEventListener("resize", () => {
  drawChartsAgain();
  soon();
});
dressed(again);
setInterval(() => {
  if (here.live && Date.now() - here.liveMs > SETTLE_MS) house.tick(Date.now());
  if (Date.now() - drawnMs > AGAIN_MS) everything = true;
  soon();
}, TICK_MS);
watch(() => Boolean(here.own && here.page?.preview));
soon();
