// What lies over the view: lines of the pose, regions, marks, and the handles that are dragged. Plain SVG.

import { number, say } from "./words.js";

const SVG = "http://www.w3.org/2000/svg";
const HANDLE = 9;
const LETTER = 8.5, LINE = 11, GAP = 4; // of a label: the width of a sign, the height above its line, what is left free

function element(name, attributes = {}, ...children) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

const line = (points) => `M${points.map(([x, y]) => `${x},${y}`).join("L")}`;
const ring = (points) => `${line(points)}Z`;
const both = (d, kind) => [element("path", { d, class: "under" }), element("path", { d, class: `over ${kind}` })];

function text(words, x, y, anchor = "middle") {
  const made = element("text", { x, y, class: "over-text", "text-anchor": anchor });
  made.textContent = words;
  return made;
}

const middle = ({ corners }) => corners.reduce(([a, b], [c, d]) => [a + c / 4, b + d / 4], [0, 0]);

// Round the mark, a module away: its edge is what must be seen.
function around(mark) {
  const [x, y] = middle(mark);
  return mark.corners.map(([a, b]) => [x + (a - x) * 4 / 3, y + (b - y) * 4 / 3]);
}

// The first of these places at which a label lies on none of the outlines; where there is none, the first.
function clear(places, words, anchor, outlines) {
  const wide = LETTER * words.length, before = anchor === "end" ? wide : 0;
  return places.find(([x, y]) => outlines.every((corners) => {
    const across = corners.map(([at]) => at), down = corners.map(([, at]) => at);
    return x - before > Math.max(...across) + GAP || x - before + wide < Math.min(...across) - GAP
      || y - LINE > Math.max(...down) + GAP || y + GAP < Math.min(...down) - GAP;
  })) ?? places[0];
}

// `plan` is of the policy, `state` of the fields, `drawn` what the device made of them (or null), `marks` of the frame.
function layers(plan, state, drawn, marks) {
  const { width, height } = plan.view, made = [];
  for (const [column, row] of drawn?.hidden ?? []) {
    const side = drawn.cell_px;
    made.push(element("rect", { x: column * side, y: row * side, width: side, height: side, class: "black" }));
  }
  for (const region of plan.excluded) made.push(element("path", { d: ring(region), class: "over excluded", }));
  made.push(...both(ring(state.region), "region"));
  let last = null;
  const outlines = [...marks.map(around), ...(plan.sign ? [plan.sign.corners] : [])];
  for (const each of drawn?.rings ?? []) {
    made.push(...both(line(each.line), each.face ? "face" : "ring"));
    const inside = each.line.filter(([x, y]) => x > 20 && x < width - 20 && y > 14 && y < height - 4);
    if (!inside.length) continue;
    const [, down] = inside[0];
    // Far away lines lie close together: not each can be labelled.
    if (!each.face && last !== null && Math.abs(down - last) < 20) continue;
    if (!each.face) last = down;
    const words = say("metres", { n: number(each.metres, each.face ? 1 : 0) }), anchor = each.face ? "end" : "start";
    made.push(text(words, ...clear(each.face ? [...inside].reverse() : inside, words, anchor, outlines), anchor));
  }
  if (drawn?.horizon) made.push(element("path", { d: line(drawn.horizon), class: "over solved" }));
  if (state.horizon) made.push(...both(line([[0, state.horizon[0]], [width, state.horizon[1]]]), "horizon"));
  made.push(...both(ring(state.ground), "ground"));
  if (plan.sign) made.push(element("path", { d: ring(plan.sign.corners), class: "over wanted" }));
  for (const mark of marks) {
    const [x, y] = middle(mark);
    made.push(...both(ring(around(mark)), "mark"), text(String(mark.number), x, y + 5));
  }
  return made;
}

// Each handle has a name, a place and what becomes of the state when it is moved; fields do the same by keyboard.
function handles(plan, state) {
  const { width } = plan.view;
  return [
    ...(state.horizon ?? []).map((y, end) => ({ kind: "horizon", at: [end ? width - 14 : 14, y + (state.horizon[1 - end] - y) * 14 / width], put: (x, down) => { state.horizon[end] = down; } })),
    ...state.region.map(([x, y], corner) => ({ kind: "region", at: [x, y], put: (across, down) => { state.region[corner] = [across, down]; } })),
    ...state.ground.map(([x, y], corner) => ({ kind: "ground", at: [x, y], put: (across, down) => { state.ground[corner] = [across, down]; } })),
  ];
}

// Draws into `frame`, and calls `changed()` while a handle is dragged.
export function overlay(frame, plan, state, changed) {
  const { width, height } = plan.view;
  const pattern = element("pattern", { id: "excluded", width: 14, height: 14, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" },
    element("line", { x1: 0, y1: 0, x2: 0, y2: 14, class: "hatch", "stroke-width": 4 }));
  const lines = element("g"), knobs = element("g");
  const drawing = element("svg", { viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true", preserveAspectRatio: "none" }, element("defs", {}, pattern), lines, knobs);
  frame.append(drawing);
  let held = null;
  const place = (event) => {
    const box = drawing.getBoundingClientRect();
    const at = (value, from, size, most) => Math.round(Math.min(most, Math.max(0, (value - from) / size * most)) * 10) / 10;
    return [at(event.clientX, box.left, box.width, width), at(event.clientY, box.top, box.height, height)];
  };
  drawing.addEventListener("pointerdown", (event) => {
    const knob = event.target.closest?.(".handle");
    if (!knob) return;
    event.preventDefault();
    document.activeElement?.blur(); // the field that is being written would not follow
    held = Number(knob.dataset.place);
    drawing.setPointerCapture(event.pointerId);
  });
  drawing.addEventListener("pointermove", (event) => {
    if (held === null) return;
    handles(plan, state)[held].put(...place(event));
    changed();
  });
  for (const end of ["pointerup", "pointercancel"]) drawing.addEventListener(end, () => { held = null; });

  return (drawn, marks) => {
    lines.replaceChildren(...layers(plan, state, drawn, marks));
    const scale = width / Math.max(1, drawing.clientWidth), wanted = handles(plan, state);
    while (knobs.children.length > 2 * wanted.length) knobs.lastChild.remove();
    wanted.forEach(({ kind, at: [x, y] }, index) => {
      if (!knobs.children[2 * index]) knobs.append(element("circle", { class: "handle" }), element("circle", { class: "handle-dot" }));
      const [knob, dot] = [knobs.children[2 * index], knobs.children[2 * index + 1]];
      const inside = [Math.min(width, Math.max(0, x)), Math.min(height, Math.max(0, y))];
      for (const each of [knob, dot]) {
        each.setAttribute("cx", inside[0]);
        each.setAttribute("cy", inside[1]);
      }
      knob.dataset.place = index;
      knob.dataset.kind = kind;
      knob.setAttribute("r", HANDLE * scale);
      dot.setAttribute("r", HANDLE * .5 * scale);
      dot.setAttribute("class", `handle-dot ${kind}`);
    });
  };
}
