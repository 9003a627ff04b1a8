// Elements with text in them: whatever came over the wire becomes text and never markup.

export const at = (id) => document.getElementById(id);

export function make(name, kind, ...children) {
  const made = document.createElement(name);
  if (kind) made.className = kind;
  made.append(...children);
  return made;
}

export function pairs(list, entries) {
  list.replaceChildren(...entries.flatMap(([name, value]) => [make("dt", "", name), make("dd", "", value)]));
}

// A sign that is read out as `name`.
export function sign(kind, mark, name) {
  const made = make("span", kind, mark);
  made.setAttribute("role", "img");
  made.setAttribute("aria-label", name);
  return made;
}

// Writes only what differs: a text that is set again is laid out again.
export function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

// The children of `list` in this order, with as few moves as a change of a few of them needs.
export function place(list, wanted) {
  const kept = new Set(wanted);
  for (const item of [...list.children]) if (!kept.has(item)) item.remove();
  let here = list.firstElementChild;
  for (const item of wanted) {
    if (item === here) here = here.nextElementSibling;
    else if (here && here.nextElementSibling === item) {
      const away = here;
      here = item.nextElementSibling;
      list.append(away);
    } else list.insertBefore(item, here);
  }
}

export const short = (hex) => hex ? `${hex.slice(0, 8)}…${hex.slice(-4)}` : "–";
