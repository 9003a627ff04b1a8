// How many people, never who, and never so exactly that a watcher could tell who came or agreed when.

import { at, make, pairs } from "./make.js";
import { clock, date, number, say, words } from "./words.js";

const FIVE = 5, HUNDRED = 100, MANY = 1000;
const OUTCOMES = ["match", "pass-accepted", "no-match", "pass-refused"];

// A number of decisions that is at least so many, a multiple of five.
const range = (low) => low < FIVE ? say("fewer", { n: FIVE }) : say("range", { low: number(low), high: number(low + FIVE - 1) });

// A number of people, coarsely: in fives, and in hundreds where there are many.
export const about = (count) => count >= MANY ? say("at-least", { n: number(Math.floor(count / HUNDRED) * HUNDRED) }) : range(Math.floor(count / FIVE) * FIVE);

export function showPeople({ latest: { compliance, metrics } }) {
  const body = compliance?.body, hourly = metrics?.body?.hourly ?? [], hour = metrics?.body?.hour_s;
  at("no-people").hidden = Boolean(body ?? metrics);
  const until = body?.assessment_until_s, left = body?.filing_left;
  pairs(at("stock"), body ? [
    [say("consents"), typeof body.consents === "number" ? about(body.consents) : say("none")],
    [say("filing-left"), typeof left !== "number" ? say("no-duty") : left === 0 ? say("filing-begun") : about(left)],
    [say("pia-until"), typeof until === "number" ? date(until * 1000) : say("no-assessment")],
  ] : []);
  const told = typeof hour === "number" && hourly.length > 0;
  at("hour").textContent = told ? say("hour", { from: clock(hour * 1000).slice(0, 5), to: clock((hour + 3600) * 1000).slice(0, 5) }) : say("no-hour");
  const most = Math.max(FIVE, ...hourly.map((each) => each.at_least));
  at("hourly").replaceChildren(...(told ? OUTCOMES : []).map((outcome) => {
    const low = hourly.find((each) => each.outcome === outcome)?.at_least ?? 0, meter = make("meter");
    Object.assign(meter, { max: most, value: low });
    meter.setAttribute("aria-label", words().OUTCOMES[outcome]);
    return make("div", "bar-line", make("span", "", words().OUTCOMES[outcome]), meter, make("span", "", range(low)));
  }));
}
