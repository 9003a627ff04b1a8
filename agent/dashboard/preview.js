// The latest picture from the device whose own link serves this page; people in it are blocks already.

import { at } from "./make.js";

const PREVIEW_MS = 200;
const FAILED_MS = 1000;

// `there()`: whether the link has one, and the door is looked at.
export function watch(there) {
  const picture = at("preview");
  let asked = 0;
  const show = (good) => {
    picture.hidden = !good;
    at("no-preview").hidden = good;
  };
  const ask = () => {
    if (document.hidden || !there()) {
      if (!there()) show(false);
      setTimeout(ask, PREVIEW_MS * 2);
      return;
    }
    asked = Date.now();
    picture.src = `preview.jpg?${asked}`;
  };
  const again = (good) => {
    show(good);
    setTimeout(ask, Math.max(20, asked + (good ? PREVIEW_MS : FAILED_MS) - Date.now()));
  };
  picture.addEventListener("load", () => again(true));
  picture.addEventListener("error", () => again(false));
  ask();
}
