// What the device says, as words and bars: meters, distances, pose.

import { at, make, pairs, write } from "./make.js";
import { number, say } from "./words.js";

const SVG = "http://www.w3.org/2000/svg";
const LIGHT = [50, 190], BURNT = .05, EDGE_PX = 2.2;

function bar(share, good) {
  const drawing = document.createElementNS(SVG, "svg"), filled = document.createElementNS(SVG, "rect");
  drawing.setAttribute("viewBox", "0 0 100 10");
  drawing.setAttribute("preserveAspectRatio", "none");
  drawing.setAttribute("aria-hidden", "true");
  filled.setAttribute("width", Math.round(100 * Math.min(1, Math.max(0, share))));
  filled.setAttribute("height", 10);
  drawing.append(filled);
  const made = make("dd", "bar", drawing);
  made.dataset.good = good ? "yes" : "no";
  return made;
}

function meter(name, now, share, words, good) {
  const told = make("dd", "say", words);
  told.dataset.good = good ? "yes" : "no";
  return make("div", "", make("dt", "", name), make("dd", "now", now), ...(share === null ? [] : [bar(share, good)]), told);
}

export function meters({ sharpness, light, marks }) {
  const made = [];
  if (sharpness) {
    made.push(meter(say("sharpness"), `${number(sharpness.now, 1)} %`, sharpness.now / Math.max(sharpness.best, .1), say("sharpness-say", { n: number(sharpness.best, 1) }), sharpness.now > .85 * sharpness.best));
  }
  for (const mark of marks) {
    const edge = mark.edge_px, good = edge !== null && edge <= EDGE_PX;
    made.push(meter(say("edge", { n: mark.number }), edge === null ? say("nothing") : say("pixels", { n: number(edge, 1) }), null, say(edge === null ? "edge-none" : good ? "edge-good" : "edge-soft"), good));
  }
  if (light) {
    const how = light.mean < LIGHT[0] ? "mean-dark" : light.mean > LIGHT[1] ? "mean-bright" : "mean-good";
    made.push(meter(say("mean"), `${number(light.mean)} / 255`, light.mean / 255, say(how), how === "mean-good"));
    const burnt = light.burnt > BURNT;
    made.push(meter(say("burnt"), `${number(100 * light.burnt, 1)} %`, light.burnt, say(burnt ? "burnt-bad" : "burnt-good"), !burnt));
  }
  at("meters").replaceChildren(...made);
}

// `measured`: the rectangle is somebody's, and no longer the example that the page begins with.
export function told(plan, drawn, why, measured) {
  const fault = why ?? drawn?.why;
  at("pose-fault").hidden = !fault;
  write(at("pose-fault"), fault ? say(fault) : "");
  const before = plan.pose;
  write(at("pose-words"), [
    measured ? "" : say("example"),
    drawn?.miss_px != null ? say("miss", { n: number(drawn.miss_px, 1) }) : "",
    before ? say("before", { height: number(before.height_m, 2), heading: number(before.heading_deg, 1), tilt: number(before.tilt_deg, 1), roll: number(before.roll_deg, 1) }) : "",
  ].filter(Boolean).join(" "));
  const pose = drawn?.pose;
  at("pose").hidden = !pose;
  if (pose) {
    at("pose").replaceChildren(...[
      [say("height"), say("metres", { n: number(pose.height_m, 2) })],
      ...["heading", "tilt", "roll"].map((name) => [say(name), say("degrees", { n: number(pose[`${name}_deg`], 1) })]),
      [say("unsure"), say("unsure-value", { angle: number(pose.sigma_deg, 1), height: number(pose.height_sigma_m, 2) })],
    ].map(([name, value]) => make("div", "", make("dt", "", name), make("dd", "", value))));
  }
  at("keep").disabled = !pose || !measured;
  if (!drawn) return;
  const reach = drawn.reach_m;
  pairs(at("reach"), [
    [say("reach-face", { n: number(plan.inter_eye_px) }), say("up-to", { n: number(reach.face, 1) })],
    ...(reach.face_ground === null ? [] : [[say("reach-ground"), say("up-to", { n: number(reach.face_ground, 1) })]]),
    ...["sign_a3", "sign_a4", "card"].map((name) => [say(`reach-${name}`), say("up-to", { n: number(reach[name], 1) })]),
  ]);
  write(at("zone-words"), say(`zone-${drawn.zones}`));
}

const LEGEND = ["horizon", "ground", "ring", "face", "region", "excluded", "zone", "mark"];

export function legend(plan, drawn) {
  const shown = LEGEND.filter((kind) => (kind !== "excluded" || plan.excluded.length) && (kind !== "zone" || drawn?.hidden.length) && (kind !== "face" || drawn?.rings.some(({ face }) => face)));
  at("legend").replaceChildren(...shown.map((kind) => {
    const swatch = make("span", `swatch ${kind}`);
    swatch.setAttribute("aria-hidden", "true");
    return make("li", "", swatch, make("span", "", say(`legend-${kind}`)));
  }));
}
