// Theme and language of the page: what it is written in and drawn with. Both are the watcher's choice and remembered.

import { at } from "./make.js";
import { say, switchLanguage, words } from "./words.js";

const STORED = "doorward-theme";
const THEMES = ["auto", "light", "dark"];
const dark = matchMedia("(prefers-color-scheme: dark)");
let chosen = "auto";

try {
  chosen = THEMES.find((each) => each === localStorage.getItem(STORED)) ?? "auto";
} catch {
  // a browser that forbids it
}

export const theme = () => chosen === "auto" ? (dark.matches ? "dark" : "light") : chosen;

function dress() {
  document.documentElement.dataset.theme = chosen;
  at("theme").setAttribute("aria-label", say(`theme-${chosen}`));
  at("theme").title = say(`theme-${chosen}`);
}

function speak() {
  document.documentElement.lang = words().tag;
  for (const each of document.querySelectorAll("[data-say]")) each.textContent = say(each.dataset.say);
  for (const each of document.querySelectorAll("[data-say-label]")) each.setAttribute("aria-label", say(each.dataset.sayLabel));
  for (const each of document.querySelectorAll("[data-say-hint]")) each.placeholder = say(each.dataset.sayHint);
  for (const each of document.querySelectorAll("[data-say-alt]")) each.alt = say(each.dataset.sayAlt);
  at("language").lang = words().tag === "en" ? "zh-Hans" : "en";
  dress();
}

// `changed()` after each switch.
export function dressed(changed) {
  at("language").addEventListener("click", () => {
    switchLanguage();
    speak();
    changed();
  });
  at("theme").addEventListener("click", () => {
    chosen = THEMES[(THEMES.indexOf(chosen) + 1) % THEMES.length];
    try {
      localStorage.setItem(STORED, chosen);
    } catch {
      // until the page is closed, then
    }
    dress();
    changed();
  });
  dark.addEventListener("change", changed);
  speak();
}
