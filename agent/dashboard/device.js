// What the device says about itself: work, ledger, versions, and how far its word was proved.

import { at, make, pairs, short, sign } from "./make.js";
import { ground, named, number, say, SIGNS, timeToSecond, words } from "./words.js";

const days = (n) => n === 1 ? say("day") : say("days", { n: number(n) });

export function showWork({ latest: { metrics } }) {
  const body = metrics?.body;
  at("no-metrics").hidden = Boolean(body);
  if (!body) return at("metrics").replaceChildren(), at("stages").replaceChildren();
  pairs(at("metrics"), [
    [say("fps"), body.fps.toFixed(1)],
    [say("frames"), number(body.frames)],
    [say("queue"), number(body.queue)],
    ...[["oldest", body.oldest_days], ["purge", body.purge_in_days]]
      .filter(([, count]) => count != null) // nobody is enrolled, or the clock is not trusted
      .map(([name, count]) => [say(name), days(count)]),
    [say("memory"), say("mb", { n: (body.rss_kb / 1024).toFixed(0) })],
    ...(body.camera_restarts ? [[say("camera-restarts"), number(body.camera_restarts)]] : []),
    ...(body.thinned ? [[say("thinned"), number(body.thinned)]] : []),
    ...body.refused.map((each) => [say("refused-frames", { ground: ground(each.ground)[0] }), number(each.frames)]),
  ]);
  const most = Math.max(1, ...body.stages.map((each) => each.median_ms));
  return at("stages").replaceChildren(...body.stages.map(({ stage, median_ms: ms }) => {
    const meter = make("meter"), name = named(stage === "identify" ? "identify-stage" : stage);
    Object.assign(meter, { max: most, value: ms });
    meter.setAttribute("aria-label", say("stage-label", { stage: name, ms: ms.toFixed(1) }));
    return make("div", "bar-line", make("span", "", name), meter, make("span", "", `${ms.toFixed(1)} ms`));
  }));
}

export function showLedger({ latest: { ledger } }) {
  const body = ledger?.body;
  at("ledger-size").textContent = body ? number(body.size) : "–";
  at("ledger-root").textContent = body?.root ?? "";
  at("ledger-time").textContent = !body ? say("no-checkpoint") // 0: the clock was not trusted yet
    : body.at_s > 0 ? say("signed-at", { time: timeToSecond(body.at_s * 1000) }) : say("signed-no-clock");
}

export function showDevice({ latest: { status } }) {
  const body = status?.body;
  at("no-status").hidden = Boolean(body);
  pairs(at("about"), body ? [
    [say("policy"), body.policy_version == null ? say("none") : body.single_key ? say("single-key", { n: body.policy_version }) : String(body.policy_version)],
    [say("mode"), body.mode ? named(body.mode) : say("none")],
    [say("keys-kept"), body.key_backend === "plain" ? say("keys-plain") : named(body.key_backend)],
    [say("erasing"), named(body.erase_strength)],
    [say("freed"), say(body.acknowledge === "consumer" ? "consumer" : "broker")],
    [say("detector"), make("code", "", short(body.models?.detector))],
    [say("embedder"), make("code", "", short(body.models?.embedder))],
    [say("runtime"), body.models?.runtime ?? say("none")],
    [say("release"), body.agent],
  ] : []);
}

const PROVED = ["status", "compliance", "metrics", "notice", "ledger", "events"];

export function showProofs({ proofs }) {
  at("proofs").replaceChildren(...PROVED.map((kind) => {
    const proof = proofs[kind], state = proof?.state ?? "unheard";
    const mark = sign(`seal ${state}`, SIGNS[state] ?? "–", say(state));
    const why = proof ? words().why[proof.why] ?? "" : say("unheard");
    return make("li", state, mark, make("span", "", named(kind)), make("span", "soft", why));
  }));
}
