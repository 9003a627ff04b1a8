// The page by which an installer aims the camera. The device works everything out; the page asks, draws and shows.

import { overlay } from "./draw.js";
import { fields, show, snaps } from "./fields.js";
import { dressed } from "./look.js";
import { at, write } from "./make.js";
import { legend, meters, told } from "./told.js";
import { say } from "./words.js";

const PICTURE_MS = 200, FACTS_MS = 300, LOST_MS = 1500, LOST_TIMES = 4;

// Unlike a cookie it goes to no other port of the same machine; this tab may be loaded anew.
const KEPT = "session";
const headers = (more) => ({ Authorization: `Bearer ${sessionStorage.getItem(KEPT) ?? ""}`, ...more });

async function ask(name, body) {
  const answer = await fetch(name, { method: "POST", headers: headers({ "Content-Type": "application/json" }), body: JSON.stringify(body) });
  if (!answer.ok && answer.status !== 422) throw new Error(`${name}: ${answer.status}`);
  return { good: answer.ok, said: await answer.json() };
}

function shut(why) {
  at("open").hidden = true;
  at("live").hidden = true;
  at("shut").hidden = false;
  at("shut").dataset.why = why;
  write(at("shut-title"), say(`shut-${why}`));
  write(at("shut-words"), say(`shut-${why}-words`));
}

// What was measured before, or the device's own example.
const first = ({ aimed, region }) => structuredClone({ ...aimed, region: aimed.region ?? region });

// What is to be said anew when language or colours change.
let speak = () => { if (!at("shut").hidden) shut(at("shut").dataset.why); };

async function begin() {
  const token = location.hash.slice(1);
  history.replaceState(null, "", location.pathname);
  dressed(() => speak());
  try {
    sessionStorage.setItem(KEPT, (await ask("enter", { token })).said.session);
  } catch {
    shut("entered");
    return;
  }
  aim((await ask("plan", {})).said);
}

function aim(plan) {
  const state = first(plan);
  let drawn = null, why = null, marks = [], facts = null, asking = false, stale = false, ended = false, measured = plan.measured;
  const example = JSON.stringify(state.ground);
  write(at("site"), plan.site);
  write(at("device"), plan.device);
  at("picture").width = plan.view.width;
  at("picture").height = plan.view.height;
  at("frame").style.aspectRatio = `${plan.view.width} / ${plan.view.height}`;
  at("open").hidden = false;
  const draw = overlay(at("frame"), plan, state, () => changed());

  const again = () => {
    draw(drawn, marks);
    show(state);
    legend(plan, drawn);
    told(plan, drawn, why, measured);
  };
  const changed = () => {
    measured ||= JSON.stringify(state.ground) !== example;
    again();
    solve();
  };
  // One question at a time, and always a last one about what stands in the end.
  async function solve() {
    stale = true;
    if (asking) return;
    asking = true;
    while (stale && !ended) {
      stale = false;
      try {
        const { good, said } = await ask("pose", state);
        [drawn, why] = good ? [said, null] : [null, said.why];
      } catch {
        break; // the facts say that it is lost
      }
      again();
    }
    asking = false;
  }
  fields(state, changed);
  const shutWords = speak;
  speak = () => {
    again();
    if (facts) hear(facts);
    shutWords();
  };
  addEventListener("resize", again);
  changed();

  function hear(heard) {
    facts = heard;
    marks = heard.marks;
    const live = heard.camera === "live";
    at("live").dataset.live = live ? "yes" : "no";
    write(at("live-words"), say(heard.camera, { grounds: (heard.grounds ?? []).join(", ") }));
    if (!live) write(at("no-picture"), say(heard.camera, { grounds: (heard.grounds ?? []).join(", ") }));
    meters(heard);
    draw(drawn, marks);
    snaps(state, marks, changed);
  }
  let missed = 0;
  const listen = async () => {
    if (ended) return;
    try {
      const answer = await fetch("facts.json", { headers: headers() });
      if (!answer.ok) throw new Error("lost");
      hear(await answer.json());
      missed = 0;
    } catch {
      if (++missed >= LOST_TIMES) {
        ended = true;
        shut("gone");
        return;
      }
      at("live").dataset.live = "no";
      write(at("live-words"), say("lost"));
    }
    setTimeout(listen, FACTS_MS);
  };
  listen();

  const picture = at("picture"), paint = picture.getContext("2d");
  const look = async () => {
    if (ended) return;
    let bitmap = null;
    try {
      const answer = await fetch("view.jpg", { headers: headers() });
      if (answer.ok) bitmap = await createImageBitmap(await answer.blob());
    } catch {
      // Without a picture it is asked again.
    }
    if (bitmap) paint.drawImage(bitmap, 0, 0, picture.width, picture.height);
    bitmap?.close();
    picture.hidden = !bitmap;
    at("no-picture").hidden = Boolean(bitmap);
    setTimeout(look, bitmap ? PICTURE_MS : LOST_MS);
  };
  look();

  const end = async (name) => {
    const { good, said } = await ask(name, state).catch(() => ({ good: true }));
    at("end-fault").hidden = good;
    if (!good) {
      write(at("end-fault"), say(said.why));
      return;
    }
    ended = true;
    shut("gone");
    at("main").focus();
  };
  at("keep").addEventListener("click", () => end("keep"));
  at("leave").addEventListener("click", () => end("end"));
}

begin();
