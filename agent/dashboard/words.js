// The words of the dashboard, and the places where one looks them up.

import { CHINESE } from "./chinese.js";
import { ENGLISH } from "./english.js";
import { fill, speaking } from "./language.js";
import { CHINESE_PROVISIONS, PROVISIONS } from "./provisions.js";

export const LANGUAGES = { en: ENGLISH, zh: CHINESE };
export const { words, switchLanguage } = speaking(LANGUAGES);

export { fill };
export const say = (key, values) => fill(words().say[key], values);

// A name that nobody knows, as a newer agent may use, stands for itself.
export const ground = (name) => Object.hasOwn(words().GROUNDS, name) ? words().GROUNDS[name] : [name, "", ""];
export const named = (name) => Object.hasOwn(words().NAMES, name) ? words().NAMES[name] : String(name ?? say("none"));

// The same as the agent writes it, in one line of English.
export function served(profile, name) {
  const all = Object.hasOwn(PROVISIONS, profile ?? "strict") ? PROVISIONS[profile ?? "strict"] : {};
  return Object.hasOwn(all, name) ? all[name] : "";
}

// The provision that an obligation serves under the policy's profile, [article, what it asks for]; without a policy the
// strictest is meant; empty where the profile leaves it open.
export function provision(profile, name) {
  const english = served(profile, name);
  if (!english) return ["", ""];
  if (words() !== ENGLISH) return CHINESE_PROVISIONS[english] ?? [english, ""];
  const at = english.indexOf(": ");
  return [english.slice(0, at), english.slice(at + 2)];
}

const CLOCK = { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" };
const BRIEF = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
const formats = new Map();

function format(options) {
  const key = `${words().tag} ${JSON.stringify(options)}`;
  if (!formats.has(key)) formats.set(key, new Intl.DateTimeFormat(words() === ENGLISH ? "en-GB" : words().tag, options));
  return formats.get(key);
}

export const clock = (ms) => format(CLOCK).format(ms);
export const date = (ms) => format({ dateStyle: "medium" }).format(ms);

// A time of today is a time; another day's has its day.
export function time(ms, options = BRIEF) {
  const today = new Date(ms).toDateString() === new Date().toDateString();
  return today ? format(options).format(ms) : format({ month: "short", day: "numeric", ...BRIEF }).format(ms);
}
export const timeToSecond = (ms) => time(ms, CLOCK);

const counts = Object.fromEntries(Object.values(LANGUAGES).map(({ tag }) => [tag, new Intl.NumberFormat(tag)]));
export const number = (value) => counts[words().tag].format(value);

// Wire names and marks that are the same in every language.
export const MARKS = { "met": "✓", "expiring": "!", "unmet": "✗", "unknown": "?", "not-binding": "–" };
export const SIGNS = { "verified": "✓", "unverified": "?", "forged": "✗", "unavailable": "–" };
export const OUTCOMES = { "match": ["✓", "opens"], "no-match": ["–", "neutral"], "pass-accepted": ["✓", "opens"], "pass-refused": ["!", "refuses"], "too-late": ["!", "refuses"], "attack-denied": ["!", "refuses"], "exit": ["✓", "opens"], "sealed": ["•", "neutral"] };

// So long after it was made a decision may be acted on; its event says only until when.
export const ACT_WITHIN_S = 30;

// What ends within so many days is to be seen to now.
export const SOON_DAYS = 30;

// Grounds under which no camera may be open, so that a pass cannot be read by it either.
export const PASSES_CLOSED = ["no-policy", "place-private", "mode-blind", "no-frames", "view-mismatch"];
