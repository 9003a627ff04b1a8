// The number fields: everything that can be dragged, and what was measured by hand.

import { at, make, write } from "./make.js";
import { say } from "./words.js";

const made = [];

// One field of `[least, most, step]`; `get` and `put` reach into the state.
function field(id, [least, most, step], get, put, changed) {
  const input = make("input", "");
  Object.assign(input, { type: "number", id, min: least, max: most, step, inputMode: "decimal", autocomplete: "off" });
  const fits = (value) => Number.isFinite(value) && value >= least && value <= most;
  input.addEventListener("input", () => {
    const value = input.valueAsNumber;
    input.setAttribute("aria-invalid", String(!fits(value)));
    if (!fits(value)) return;
    put(value);
    changed();
  });
  made.push({ input, get });
  return input;
}

// Words that a switch of language finds again.
function spoken(key) {
  const words = make("span", "", say(key));
  words.dataset.say = key;
  return words;
}

function labelled(key, input) {
  return make("label", "", spoken(key), input);
}

function point(name, place, limits, get, put, changed) {
  const axis = (letter, index) => {
    const input = field(`${place}-${letter}`, limits, () => get()[index], (value) => put(get().map((each, at) => (at === index ? value : each))), changed);
    return make("label", "", letter, input);
  };
  const row = make("fieldset", "row", name, axis("x", 0), axis("y", 1));
  return row;
}

const PIXELS = [-10000, 10000, .1];

// Fills the sections; `changed()` after each change by hand.
export function fields(state, changed) {
  const sized = (id, key, limits, name) => labelled(key, field(id, limits, () => state[name], (value) => { state[name] = value; }, changed));
  at("ground").replaceChildren(...state.ground.map((_, corner) => {
    return point(make("legend", "", make("span", "number", String(corner + 1)), spoken(`corner-${corner}`)), `ground-${corner}`, PIXELS,
      () => state.ground[corner], (value) => { state.ground[corner] = value; }, changed);
  }));
  at("sizes").replaceChildren(
    sized("width-m", "width", [.05, 100, .01], "width_m"), sized("depth-m", "depth", [.05, 100, .01], "depth_m"),
    sized("bearing", "bearing", [0, 359.9, .1], "bearing_deg"),
  );
  at("camera").replaceChildren(sized("view-deg", "view-angle", [5, 150, .1], "view_deg"), sized("range-m", "range", [1, 200, .5], "range_m"));
  const seen = at("horizon-seen");
  let kept = state.horizon ?? [0, 0];
  at("horizon").replaceChildren(...[0, 1].map((end) => labelled(`horizon-${end}`,
    field(`horizon-${end}`, PIXELS, () => (state.horizon ?? kept)[end], (value) => { (state.horizon ?? kept)[end] = value; }, changed))));
  seen.checked = state.horizon !== null;
  seen.addEventListener("change", () => {
    if (state.horizon) kept = state.horizon;
    state.horizon = seen.checked ? kept : null;
    changed();
  });
  at("region").replaceChildren(...state.region.map((_, corner) => {
    const words = make("span", "region-corner");
    words.dataset.corner = corner + 1;
    return point(make("legend", "", words), `region-${corner}`, PIXELS,
      () => state.region[corner], (value) => { state.region[corner] = value; }, changed);
  }));
}

// Writes the state into the fields; not into the one that is being written.
export function show(state) {
  for (const { input, get } of made) {
    if (input === document.activeElement) continue;
    const value = String(Math.round(get() * 100) / 100);
    if (input.value !== value) input.value = value;
    input.setAttribute("aria-invalid", "false");
  }
  for (const end of [0, 1]) at(`horizon-${end}`).disabled = state.horizon === null;
  for (const words of document.querySelectorAll(".region-corner")) write(words, say("region-corner", { n: words.dataset.corner }));
}

// A button beneath a corner for the mark that is nearest to it: marks are found to a part of a pixel.
export function snaps(state, marks, changed) {
  const rows = [...at("ground").children];
  rows.forEach((row, corner) => {
    const middles = marks.map((mark) => [mark.number, ...mark.corners.reduce(([a, b], [c, d]) => [a + c / 4, b + d / 4], [0, 0])]);
    const [x, y] = state.ground[corner];
    const near = middles.sort((one, other) => Math.hypot(one[1] - x, one[2] - y) - Math.hypot(other[1] - x, other[2] - y))[0];
    let button = row.querySelector(".snap");
    if (!near || Math.hypot(near[1] - x, near[2] - y) > 60) {
      if (button && button !== document.activeElement) button.remove();
      return;
    }
    if (!button) {
      button = make("button", "snap quiet");
      button.type = "button";
      button.addEventListener("click", () => {
        state.ground[corner] = JSON.parse(button.dataset.at);
        changed();
      });
      row.append(button);
    }
    button.dataset.at = JSON.stringify([Math.round(near[1] * 10) / 10, Math.round(near[2] * 10) / 10]);
    write(button, say("at-mark", { corner: say(`corner-${corner}`), n: near[0] }));
  });
}
