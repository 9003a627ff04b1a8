// The words of the aiming page.

import { CHINESE } from "./chinese.js";
import { ENGLISH } from "./english.js";
import { fill, speaking } from "./language.js";

export const { words, switchLanguage } = speaking({ en: ENGLISH, zh: CHINESE });

export const say = (key, values) => fill(words().say[key], values);
export const number = (value, digits = 0) => new Intl.NumberFormat(words().tag, { minimumFractionDigits: digits, maximumFractionDigits: digits }).format(value);
