// Where the page's facts come from: the broker over WebSockets, and the link process for what the broker cannot say.

import mqtt from "./vendor/mqtt.esm.js";

const ASK_MS = 2000;
const SILENT_MS = 4000;

// Calls `facts(page)` with what the link says (null when it does not answer), `heard(kind, message, retained)` for each
// message of this device, and `live(bool)` when the connection to the broker comes or goes.
export function listen({ facts, heard, live }) {
  let client = null, address = null;

  const connect = (page) => {
    if (!page.websocket || page.websocket === address) return;
    address = page.websocket;
    client?.end(true);
    client = mqtt.connect(address, {
      protocolVersion: 4, // the embedded broker's WebSocket speaks 3.1.1 only
      clean: true, keepalive: 15, connectTimeout: SILENT_MS, reconnectPeriod: 700,
      timerVariant: "native", // the default starts a worker from a blob, which the page's own rules forbid
    });
    client.on("connect", () => {
      client.subscribe([`${page.prefix}/+`], { qos: 0 });
      live(true);
    });
    client.on("close", () => live(false));
    client.on("error", () => live(false));
    client.on("message", (topic, payload, packet) => {
      const kind = topic.slice(page.prefix.length + 1);
      let message;
      try {
        message = JSON.parse(new TextDecoder().decode(payload));
      } catch {
        return;
      }
      if (message && typeof message === "object") heard(kind, message, packet.retain);
    });
  };

  const ask = async () => {
    try {
      const answer = await fetch("page.json", { cache: "no-store", signal: AbortSignal.timeout(SILENT_MS) });
      const page = await answer.json();
      connect(page);
      facts(page);
    } catch {
      facts(null);
    }
    setTimeout(ask, ASK_MS);
  };
  ask();
}
