// Draws the plan of the site and what lies over the preview. Plain SVG, made from the notice alone.

import { fill, say, words as spoken } from "./words.js";

const SVG = "http://www.w3.org/2000/svg";
const METRES_PER_DEGREE = 111195;

export function element(name, attributes = {}, ...children) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

// Whether the notice says where the camera looks, and not only where it is.
export const looks = (camera) => camera != null && camera.bearing_deg != null && camera.view_deg != null;

const path = (rings) => rings.map((ring) => `M${ring.map(([x, y]) => `${x.toFixed(2)},${y.toFixed(2)}`).join("L")}Z`).join("");

function hatch(id, size) {
  const pattern = element("pattern", { id, width: size, height: size, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" });
  pattern.append(element("line", { x1: 0, y1: 0, x2: 0, y2: size, class: "hatch-line", "stroke-width": size / 3 }));
  return element("defs", {}, pattern);
}

// The attempt region and the excluded regions, over a picture of `notice.view`.
export function overlay(notice) {
  const { width, height } = notice.view;
  const drawing = element("svg", { viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true", preserveAspectRatio: "none" }, hatch("excluded-hatch", 14));
  for (const region of notice.excluded) {
    drawing.append(element("path", { d: path([region]), class: "excluded-area", fill: "url(#excluded-hatch)" }));
  }
  for (const kind of ["attempt-line", "attempt-dash"]) drawing.append(element("path", { d: path([notice.attempt]), class: kind }));
  return drawing;
}

// The polygons of a GeoJSON geometry, each a list of rings: the outer one, then holes.
const polygons = ({ type, coordinates }) => type === "Polygon" ? [coordinates] : coordinates;

// A plan in metres, north up, round the camera and all zones.
export function plan(notice) {
  const zones = notice.zones, camera = notice.camera;
  const [lon0, lat0] = camera ? [camera.lon_deg, camera.lat_deg] : zones.length ? polygons(zones[0].geometry)[0][0][0] : [0, 0];
  const shrink = Math.cos(lat0 * Math.PI / 180);
  const place = ([lon, lat]) => [(((lon - lon0 + 540) % 360) - 180) * shrink * METRES_PER_DEGREE, (lat0 - lat) * METRES_PER_DEGREE];
  const shapes = zones.map((zone) => ({ ...zone, rings: polygons(zone.geometry).flat().map((ring) => ring.map(place)) }));

  const reach = camera?.reach_m ?? 10;
  const points = shapes.flatMap((zone) => zone.rings.flat().flatMap(([x, y]) => {
    const out = zone.buffer_m + notice.margin_m;
    return [[x - out, y - out], [x + out, y + out]];
  }));
  if (camera || !points.length) points.push([-reach, -reach], [reach, reach]);
  const xs = points.map(([x]) => x), ys = points.map(([, y]) => y);
  const middle = [(Math.min(...xs) + Math.max(...xs)) / 2, (Math.min(...ys) + Math.max(...ys)) / 2];
  const wide = Math.max(Math.max(...xs) - Math.min(...xs), (Math.max(...ys) - Math.min(...ys)) * 4 / 3, 10) * 1.12;
  const high = wide * 3 / 4, left = middle[0] - wide / 2, top = middle[1] - high / 2, em = wide / 27;

  const drawing = element("svg", { viewBox: `${left} ${top} ${wide} ${high}`, role: "img", "aria-label": words(notice) }, hatch("zone-hatch", em / 1.6));
  const step = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000].find((metres) => wide / metres <= 9) ?? 20000;
  for (let x = Math.ceil(left / step) * step; x < left + wide; x += step) drawing.append(element("line", { x1: x, x2: x, y1: top, y2: top + high, class: "grid-line" }));
  for (let y = Math.ceil(top / step) * step; y < top + high; y += step) drawing.append(element("line", { x1: left, x2: left + wide, y1: y, y2: y, class: "grid-line" }));

  for (const zone of shapes) {
    const d = path(zone.rings);
    drawing.append(element("path", { d, class: "zone-margin", "stroke-width": 2 * (zone.buffer_m + notice.margin_m) }));
    drawing.append(element("path", { d, class: "zone-line", fill: "url(#zone-hatch)", "fill-rule": "evenodd" }));
    const [x, y] = [0, 1].map((axis) => zone.rings[0].map((point) => point[axis])).map((all) => (Math.min(...all) + Math.max(...all)) / 2);
    drawing.append(label(zone.timed ? say("at-times", { zone: zone.id }) : zone.id, x, y + em * .4, em));
  }
  if (camera) {
    const near = nearest(shapes);
    if (near && near.metres > 2 * em) {
      const [x, y] = near.place;
      drawing.append(element("line", { x1: 0, y1: 0, x2: x, y2: y, class: "distance" }));
      drawing.append(label(`${Math.round(near.metres)} m`, x / 2, y / 2 + em * 1.2, em, "quiet"));
    }
    drawing.append(...watch(camera, reach, em), label(say("camera"), 0, -em, em));
  }

  const bar = [left + em, top + high - em];
  drawing.append(
    element("path", { d: `M${bar[0]},${bar[1] - em / 3}v${em / 3}h${step}v${-em / 3}`, class: "bar" }),
    text(`${step} m`, bar[0] + step + em / 2, bar[1], em, "start", "quiet"),
    element("path", { d: `M${left + wide - 1.5 * em},${top + em * .8}l${em * .55},${em * 1.5}l${-em * .55},${-em * .4}l${-em * .55},${em * .4}Z`, class: "north" }),
    text("N", left + wide - 1.5 * em, top + em * 3.4, em, "middle", "quiet"),
  );
  return drawing;
}

// The point of all zones' edges that is nearest to the camera at 0, 0; null without zones, or when it is inside of one.
function nearest(shapes) {
  let near = null;
  for (const { rings } of shapes) {
    let inside = false;
    for (const ring of rings) ring.forEach(([x1, y1], index) => {
      const [x2, y2] = ring[(index + 1) % ring.length], dx = x2 - x1, dy = y2 - y1;
      const part = Math.min(1, Math.max(0, -(x1 * dx + y1 * dy) / (dx * dx + dy * dy || 1)));
      const place = [x1 + part * dx, y1 + part * dy], metres = Math.hypot(...place);
      if (near === null || metres < near.metres) near = { place, metres };
      if (y1 > 0 !== y2 > 0 && x1 - y1 * dx / dy > 0) inside = !inside;
    });
    if (inside) return null;
  }
  return near;
}

function watch(camera, reach, em) {
  const drawn = [];
  if (looks(camera)) {
    const edge = (turn) => {
      const angle = (camera.bearing_deg + turn) * Math.PI / 180;
      return `${(reach * Math.sin(angle)).toFixed(2)},${(-reach * Math.cos(angle)).toFixed(2)}`;
    };
    drawn.push(element("path", { d: `M0,0L${edge(-camera.view_deg / 2)}A${reach},${reach} 0 0 1 ${edge(camera.view_deg / 2)}Z`, class: "cone" }));
  }
  if (camera.sigma_m > 0) drawn.push(element("circle", { r: 3 * camera.sigma_m, class: "uncertain" }));
  drawn.push(element("circle", { r: em * .38, class: "camera-dot" }));
  return drawn;
}

function text(words, x, y, size, anchor, kind = "") {
  const made = element("text", { x, y, "font-size": size * 1.1, "text-anchor": anchor, class: kind });
  made.textContent = words;
  return made;
}

function label(words, x, y, em, kind = "") {
  const made = text(words, x, y, em, "middle", kind);
  made.setAttribute("paint-order", "stroke");
  made.setAttribute("stroke", "var(--card)");
  made.setAttribute("stroke-width", em / 2.2);
  made.setAttribute("stroke-linejoin", "round");
  return made;
}

// What the plan says, for who cannot see it.
export function words(notice) {
  const plan = spoken().PLAN, many = notice.zones.length !== 1, n = notice.zones.length;
  const zones = n === 0 ? plan.none : many ? fill(plan.many, { n }) : plan.one;
  if (!notice.camera) return fill(plan.unknown, { zones });
  const { sigma_m: sigma, bearing_deg: bearing } = notice.camera;
  const toward = looks(notice.camera) ? fill(plan.toward, { point: plan.points[Math.round(bearing / 45) % 8] }) : "";
  const buffer = notice.zones.some((zone) => zone.buffer_m > 0) ? plan.buffer : "";
  const margin = n === 0 ? "" : fill(many ? plan["margin-each"] : plan.margin, { n: notice.margin_m, buffer });
  return fill(plan.known, { n: (3 * sigma).toFixed(0), toward, zones, margin });
}
