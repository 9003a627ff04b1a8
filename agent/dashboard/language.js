// The language of a page: the browser's own at first, English or Chinese, and whatever its watcher switches to.

const STORED = "doorward-language";

const kept = () => {
  try {
    return localStorage.getItem(STORED);
  } catch {
    return null; // a browser that forbids it
  }
};

// `languages`: { en, zh }, the words of each. The page remembers the one it was switched to: it is not about anybody.
export function speaking(languages) {
  const own = (navigator.languages ?? [navigator.language]).map((tag) => tag.slice(0, 2).toLowerCase()).find((tag) => tag in languages);
  let spoken = languages[kept()] ?? languages[own] ?? languages.en;
  return {
    words: () => spoken,
    switchLanguage() {
      const next = spoken === languages.en ? "zh" : "en";
      spoken = languages[next];
      try {
        localStorage.setItem(STORED, next);
      } catch {
        // until the page is closed, then
      }
    },
  };
}

// `{name}` in a text stands for a value; one that is not given stays as it is.
export const fill = (text, values = {}) => text.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
