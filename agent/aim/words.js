// The language of the page, as on the dashboard: the browser's own at first, and remembered when it is switched.

import { CHINESE } from "./chinese.js";
import { ENGLISH } from "./english.js";

const LANGUAGES = { en: ENGLISH, zh: CHINESE };
const STORED = "doorward-language";

const kept = () => {
  try {
    return localStorage.getItem(STORED);
  } catch {
    return null; // a browser that forbids it
  }
};

const own = () => (navigator.languages ?? [navigator.language]).map((tag) => tag.slice(0, 2).toLowerCase()).find((tag) => tag in LANGUAGES);
let spoken = LANGUAGES[kept()] ?? LANGUAGES[own()] ?? ENGLISH;

export const words = () => spoken;

export function switchLanguage() {
  const next = spoken === ENGLISH ? "zh" : "en";
  spoken = LANGUAGES[next];
  try {
    localStorage.setItem(STORED, next);
  } catch {
    // until the page is closed, then
  }
}

export const say = (key, values = {}) => spoken.say[key].replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
export const number = (value, digits = 0) => new Intl.NumberFormat(spoken.tag, { minimumFractionDigits: digits, maximumFractionDigits: digits }).format(value);
