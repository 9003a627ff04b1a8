// Charts of what a door's metrics said since the page was opened. Numbers about the device, never about a person.

import { at, make } from "./make.js";
import { clock, number, say } from "./words.js";

const HEIGHT = 150;
let plotting = null, drawn = null;

// uPlot is a script of the old kind that makes one global name; it is fetched when a door is first looked at.
function uplot() {
  plotting ??= new Promise((done, failed) => {
    const script = make("script");
    script.src = new URL("vendor/uplot.iife.min.js", import.meta.url).href;
    script.addEventListener("load", () => done(globalThis.uPlot));
    script.addEventListener("error", () => failed(new Error("vendor/uplot.iife.min.js: not there")));
    document.head.append(script);
  });
  return plotting;
}

// Frames a minute that nobody looked at, between one report and the next; a restart begins anew.
function suppressed(samples) {
  return samples.map((sample, index) => {
    const before = samples[index - 1], minutes = before ? (sample.atMs - before.atMs) / 60_000 : 0;
    if (!before || minutes <= 0) return null;
    return Math.max(0, sample.suppressed - (sample.suppressed < before.suppressed ? 0 : before.suppressed)) / minutes;
  });
}

const column = (name) => (samples) => samples.map((each) => each[name]);
const CHARTS = [
  { id: "latency", unit: () => say("ms"), series: [["frame", column("frame"), "--accent"], ["detect", column("detect"), "--warn"], ["embed", column("embed"), "--other"]] },
  { id: "queue-chart", unit: () => "", series: [["queue-chart", column("queue"), "--accent"]] },
  { id: "suppressed", unit: () => say("a-minute"), series: [["suppressed", suppressed, "--warn"]] },
  { id: "temperature", unit: () => "°C", series: [["temperature", column("temperature"), "--warn"]] },
];

// The colour that a custom property stands for, in the theme of the moment.
function colour(name) {
  const probe = make("span");
  probe.style.color = `var(${name})`;
  document.body.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}

const said = (value, unit) => value == null ? "–" : `${number(value < 100 ? Math.round(value * 10) / 10 : Math.round(value))} ${unit}`.trim();

function build(Plot, chart, data, width) {
  const soft = colour("--soft"), grid = { stroke: colour("--line"), width: 1 };
  const axis = { stroke: soft, grid, ticks: { show: false }, font: "12px system-ui, sans-serif" };
  const top = (self, low, high) => [0, Math.max(1, (high ?? 0) * 1.15)];
  const warm = (self, low, high) => [Math.min(20, (low ?? 20) - 5), Math.max(60, (high ?? 0) + 5)];
  return new Plot({
    width, height: HEIGHT, legend: { show: false }, cursor: { show: false },
    scales: { x: { time: true }, y: { range: chart.id === "temperature" ? warm : top } },
    axes: [{ ...axis, size: 24, space: 70, values: (self, ticks) => ticks.map((each) => clock(each * 1000)) }, { ...axis, size: 44, space: 34 }],
    series: [{}, ...chart.series.map(([name, , tone], index) => ({ label: say(name), stroke: colour(tone), width: index ? 1.5 : 2, fill: chart.series.length === 1 ? colour(`${tone}-soft`) : undefined, points: { show: false } }))],
  }, data, null);
}

function card(chart) {
  const now = make("span", "chart-now"), canvas = make("div", "chart-canvas"), key = make("ul", "chart-key");
  canvas.setAttribute("role", "img");
  const box = make("div", "chart", make("h3", "", make("span", "", say(chart.id)), now), canvas);
  if (chart.series.length > 1) {
    key.append(...chart.series.map(([name], index) => make("li", `line-${index}`, say(name))));
    box.append(key);
  }
  return { box, now, canvas };
}

// `door`, and `look`: changes with theme and language, after which all is drawn anew.
export async function showCharts(door, look) {
  const { samples } = door, token = `${door.key} ${look} ${samples.some((each) => each.temperature !== null)}`;
  at("charts-wait").hidden = samples.length > 1;
  if (samples.length < 2) {
    if (drawn) at("charts").replaceChildren();
    drawn = null;
    return;
  }
  const Plot = await uplot();
  if (drawn?.token !== token) {
    drawn?.all.forEach(({ plot }) => plot.destroy());
    const shown = CHARTS.filter((chart) => chart.series.some(([, of]) => of(samples).some((value) => value !== null)));
    drawn = { token, all: shown.map((chart) => ({ chart, ...card(chart) })) };
    at("charts").replaceChildren(...drawn.all.map(({ box }) => box));
  }
  for (const each of drawn.all) {
    const data = [samples.map((sample) => sample.atMs / 1000), ...each.chart.series.map(([, of]) => of(samples))];
    const width = Math.floor(each.canvas.clientWidth);
    if (!each.plot && width > 0) {
      each.plot = build(Plot, each.chart, data, width);
      each.canvas.append(each.plot.root);
    } else if (each.plot) {
      if (each.plot.width !== width && width > 0) each.plot.setSize({ width, height: HEIGHT });
      each.plot.setData(data);
    }
    const values = data[1].filter((value) => value !== null), unit = each.chart.unit();
    each.now.textContent = said(values.at(-1), unit);
    each.canvas.setAttribute("aria-label", say("chart-label", { title: say(each.chart.id), now: said(values.at(-1), unit), low: said(Math.min(...values), unit), high: said(Math.max(...values), unit) }));
  }
}
