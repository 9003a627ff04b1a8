// Where the page's facts come from: the broker over WebSockets, and the link process for what the broker cannot say.
//
// Name and password are in the client's memory and nowhere else. Each kind is subscribed by its name, so that cards and
// PINs (the token topic) never come to a browser.

const ASK_MS = 2000;
const SILENT_MS = 4000;
const SURE = ["status", "compliance", "ledger", "notice", "events"], FLEETING = ["metrics", "ack"];
const NAME = /^[a-z0-9][a-z0-9-]{0,62}$/;
const PREFIX = /^((?:[^/+#]+\/)*doorward\/v1)(?:\/([a-z0-9][a-z0-9-]{0,62}))?(?:\/([a-z0-9][a-z0-9-]{0,62}))?$/;

export const knownPrefix = (prefix) => PREFIX.test(prefix);

// Why an address cannot be one: bad-address or mixed; null for a good one.
export function addressFault(address) {
  let url;
  try {
    url = new URL(address);
  } catch {
    return "bad-address";
  }
  if (!["ws:", "wss:"].includes(url.protocol) || url.username || url.password || url.search || url.hash) return "bad-address";
  return location.protocol === "https:" && url.protocol === "ws:" && !local(url) ? "mixed" : null;
}

const local = ({ hostname }) => ["localhost", "127.0.0.1", "[::1]"].includes(hostname);
export const readable = (address) => addressFault(address) === null && address.startsWith("ws:") && !local(new URL(address));

// Connects, and again whenever the connection is lost, until `end()` of what it gives. Calls `heard({ site, device,
// kind }, payload, retained)` with a Uint8Array, `live(bool)` when the connection comes or goes, and `failed(why)`
// with not-authorised (and tries no more) or unreachable (before it has ever been live).
export async function connect({ address, user, password, prefix }, { heard, live, failed }) {
  const { default: mqtt } = await import("./vendor/mqtt.esm.js");
  const [, root, site = "+", device = "+"] = PREFIX.exec(prefix);
  const topics = (kinds, qos) => kinds.map((kind) => [`${root}/${site}/${device}/${kind}`, { qos }]);
  const client = mqtt.connect(address, {
    protocolVersion: 4, // the embedded broker's WebSocket speaks 3.1.1 only
    clean: true, keepalive: 15, connectTimeout: SILENT_MS, reconnectPeriod: 700,
    ...(user ? { username: user, password } : {}),
    timerVariant: "native", // the default starts a worker from a blob, which the page's own rules forbid
  });
  let once = false;
  client.on("connect", () => {
    once = true;
    client.subscribe(Object.fromEntries([...topics(SURE, 1), ...topics(FLEETING, 0)]));
    live(true);
  });
  client.on("close", () => {
    live(false);
    if (!once) failed("unreachable");
  });
  client.on("error", (error) => {
    live(false);
    if (error?.code !== 4 && error?.code !== 5) return; // CONNACK: bad user name or password; not authorised
    once = true;
    client.end(true);
    failed("not-authorised");
  });
  client.on("message", (topic, payload, packet) => {
    const [where, who, kind, ...rest] = topic.slice(root.length + 1).split("/");
    if (rest.length === 0 && NAME.test(where) && NAME.test(who)) heard({ site: where, device: who, kind }, payload, packet.retain);
  });
  return { end: () => client.end(true) };
}

// What the server says about its broker, and, where a device's own link serves the page, about that device. Calls
// `facts(page)` once, and for a link every two seconds; null when a link that has answered does not any more, `{}` where
// there never was one.
export function ask(facts) {
  let linked = false;
  const again = async () => {
    try {
      const answer = await fetch("page.json", { cache: "no-store", signal: AbortSignal.timeout(SILENT_MS) });
      const page = await answer.json();
      linked ||= typeof page.device === "string";
      facts(page);
    } catch {
      facts(linked ? null : {});
    }
    if (linked) setTimeout(again, ASK_MS);
  };
  again();
}
