// Asks how to enter the broker. What is typed is handed on once and forgotten here: no storage, no address bar.

import { addressFault, knownPrefix, readable } from "./live.js";
import { at } from "./make.js";
import { say } from "./words.js";

const PORT = 9001;

function guess() {
  const host = location.hostname || "localhost";
  return `${location.protocol === "https:" ? "wss" : "ws"}://${host.includes(":") && !host.startsWith("[") ? `[${host}]` : host}:${PORT}`;
}

// `enter({ address, user, password, prefix })` is called for what was typed and can be one.
export function login(enter) {
  const dialog = at("login"), form = at("login-form");
  const tell = (why) => {
    at("login-fault").textContent = why ? say(why) : "";
    at("login-fault").hidden = !why;
  };
  const warn = () => at("open-wire").hidden = !readable(at("address").value.trim());

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const given = { address: at("address").value.trim(), user: at("user").value, password: at("password").value, prefix: at("prefix").value.trim().replace(/\/+$/, "") };
    const fault = addressFault(given.address) ?? (knownPrefix(given.prefix) ? null : "bad-prefix");
    tell(fault);
    at("address").setAttribute("aria-invalid", String(fault === "bad-address" || fault === "mixed"));
    at("prefix").setAttribute("aria-invalid", String(fault === "bad-prefix"));
    if (fault) return at(fault === "bad-prefix" ? "prefix" : "address").focus();
    at("password").value = "";
    dialog.close();
    return enter(given);
  });
  at("address").addEventListener("input", warn);
  at("login-cancel").addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => at("password").value = "");

  // `why`: a key of words.js that says what went wrong last time.
  return ({ address, prefix }, why = null) => {
    if (dialog.open) return tell(why);
    at("address").value = address ?? guess();
    at("prefix").value = prefix ?? "doorward/v1";
    tell(why);
    warn();
    dialog.showModal();
    return at(address ? "user" : "address").focus();
  };
}
