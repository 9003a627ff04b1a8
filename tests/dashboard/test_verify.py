"""Signatures in a real browser: over the vectors that Python made, over every changed byte, and where there is none."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, cast

import pytest
from playwright.sync_api import Browser, Page

from agent.adapters.broker import EmbeddedBroker
from agent.app.link_settings import LinkSettings
from agent.crypto import SignPublic, fingerprint
from agent.errors import LinkError
from agent.events.telemetry import read_telemetry
from agent.events.wire import Kind
from agent.introduction import DeviceDocument, read_introduction
from agent.policy.grounds import Ground
from tests.app.running import DEVICE, SITE, Teller, compliance, link_process, recogniser, status
from tests.conftest import ROOT
from tests.dashboard import vectors
from tests.dashboard.browser import chromium
from tests.dashboard.files import FOLDER, served

GENUINE = ("signed", "older", "earlier", "number-twice", "ledger-shrank", "ledger-forked")
"""What Python's own reader takes: it looks at one message alone."""
HEAD = "checkpoint"
"""Python's reader of telemetry leaves the head inside to who reads checkpoints."""
KEY = vectors.made()["device"]["signing_key"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with served() as found:
        yield found


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    """An empty page with the modules at hand and nothing stored."""
    context = browser.new_context()
    opened = context.new_page()
    opened.goto(f"{address}/icon.svg")
    yield opened
    context.close()


def judged(page: Page, messages: list[tuple[str, str]], key: object = KEY) -> list[dict[str, str]]:
    """What one new checker makes of these, one after the other."""
    found = page.evaluate(
        """async ([messages, key]) => {
             const { checker } = await import("/verify.js"), { check } = checker(), all = [];
             for (const [kind, payload] of messages) all.push(await check(kind, payload, key));
             return all;
           }""",
        [[list(each) for each in messages], key],
    )
    return cast(list[dict[str, str]], found)


# The same as Python ------------------------------------------------------------------------------------------------


def test_the_vectors_are_those_of_the_code() -> None:
    fresh, kept = vectors.made(), json.loads(vectors.FILE.read_text("utf-8"))
    assert kept == fresh, "run: python -m tests.dashboard.vectors --write"


def test_python_takes_what_is_genuine_and_nothing_else() -> None:
    found = vectors.made()
    for each in found["messages"]:
        kind, payload = Kind(each["kind"]), each["payload"].encode()
        if each["why"] in (*GENUINE, HEAD, "elsewhere") and each["name"] != "on the topic of another kind":
            read_telemetry(kind, payload, SignPublic(bytes.fromhex(KEY)))
        else:
            with pytest.raises(LinkError):
                read_telemetry(kind, payload, SignPublic(bytes.fromhex(KEY)))


@pytest.mark.parametrize("as_bytes", [False, True])
def test_the_browser_makes_of_each_what_the_file_says(page: Page, as_bytes: bool) -> None:
    found = json.loads(vectors.FILE.read_text("utf-8"))
    told = page.evaluate(
        """async ([{ messages, device, site }, asBytes]) => {
             const { checker } = await import("/verify.js"), { keyring } = await import("/keys.js");
             const ring = keyring(), { check } = checker(), all = [];
             ring.pin(JSON.stringify(device), { site });
             for (const { kind, payload } of messages) {
               const raw = asBytes ? new TextEncoder().encode(payload) : payload;
               all.push(await check(kind, raw, ring.find(site, device.id)));
             }
             return all;
           }""",
        [found, as_bytes],
    )
    for each, said in zip(found["messages"], told, strict=True):
        assert (said["state"], said["why"]) == (each["state"], each["why"]), each["name"]


def test_events_are_held_against_the_same_key_in_their_own_context(page: Page) -> None:
    found = json.loads((ROOT / "docs" / "vectors" / "events.json").read_text("utf-8"))
    genuine = [each for each in found["messages"] if each["verdict"] in ("act", "again", "record")]
    by_name = {each["name"]: each["payload"] for each in found["messages"]}
    told = judged(page, [("events", each["payload"]) for each in genuine], found["device_key"])
    assert {said["why"] for said in told} == {"signed", "older"}
    first = by_name["the first event"]
    for kind, payload, why in (
        ("events", by_name["signed by somebody else"], "signature"),
        ("events", by_name["a later end than the device signed"], "signature"),
        ("events", by_name["with a space"], "signature"),
        ("status", first, "elsewhere"),
        ("events", vectors.told(status(), 1)[1], "elsewhere"),
    ):
        assert judged(page, [(kind, payload)], found["device_key"])[0]["why"] == why


# One changed byte --------------------------------------------------------------------------------------------------

CHANGED = """async ([kind, payload, key]) => {
  const { checker } = await import("/verify.js"), taken = [], { check } = checker();
  let tried = 0;
  for (let at = 0; at < payload.length; at++) {
    const bytes = new TextEncoder().encode(payload);
    for (const bit of [1, 2, 32]) {
      bytes[at] ^= bit;
      const { state } = await check(kind, bytes, key);
      if (state === "verified") taken.push([at, bit]);
      bytes[at] ^= bit;
      tried += 1;
    }
  }
  return [tried, taken, await check(kind, payload, key)];
}"""


@pytest.mark.parametrize("kind", ["status", "ledger"])
def test_any_changed_byte_of_any_field_is_found(page: Page, kind: str) -> None:
    body = status(Ground.SIGN_MISSING) if kind == "status" else vectors.head(3)
    payload = vectors.told(body, 10)[1]
    tried, taken, last = page.evaluate(CHANGED, [kind, payload, KEY])
    assert tried == 3 * len(payload) and taken == []
    assert last["state"] == "verified"


def test_a_field_left_out_added_or_put_in_another_place_is_found(page: Page) -> None:
    whole = json.loads(vectors.told(status(), 10)[1])
    others = [{k: v for k, v in whole.items() if k != name} for name in whole if name != "signature"]
    others += [{**whole, "also": 1}, {**whole, "zone": "x"}, dict(reversed(list(whole.items())))]
    others += [{**whole, "body": {**whole["body"], "signature": whole["signature"]}}]
    sent = [("status", json.dumps(each, separators=(",", ":"))) for each in others]
    assert {each["state"] for each in judged(page, sent)} == {"forged"}


def test_base64_has_one_form(page: Page) -> None:
    kind, payload = vectors.told(status(), 10)
    [signature] = re.findall(r'"signature":"(.*?)"', payload)
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    last = alphabet[alphabet.index(signature[85]) + 1]
    forms = [signature[:85] + last + "==", signature[:-2], signature + "=", signature[:86] + "=A"]
    for form in forms:
        assert judged(page, [(kind, payload.replace(signature, form))])[0]["why"] == "malformed"


# From a broker -----------------------------------------------------------------------------------------------------

HEARD = """async ([url, prefix, device]) => {
  const { default: mqtt } = await import("/vendor/mqtt.esm.js"), { checker } = await import("/verify.js");
  const client = mqtt.connect(url, { protocolVersion: 4, timerVariant: "native" }), { check } = checker(), told = {};
  return new Promise((done, failed) => {
    setTimeout(() => failed(new Error(JSON.stringify(told))), 15000);
    client.on("connect", () => client.subscribe(`${prefix}/+`));
    client.on("message", async (topic, payload) => {
      const kind = topic.slice(prefix.length + 1);
      told[kind] = (await check(kind, payload, device)).why;
      if (Object.keys(told).length === 3) client.end(true, () => done(told));
    });
  });
}"""


@pytest.mark.alone
def test_what_a_link_publishes_is_verified_as_it_comes_from_the_broker(browser: Browser, state: Path) -> None:
    with ExitStack() as ends:
        broker = EmbeddedBroker()
        ends.callback(broker.close)
        broker.start()
        channel = ends.enter_context(recogniser(state / "link.sock"))
        settings = LinkSettings(
            state / "link.sock",
            SITE,
            DEVICE,
            broker_port=broker.port,
            tls=False,
            websocket_url=broker.websocket_url,
        )
        link = ends.enter_context(link_process(settings))
        url = link.ready()
        link.wait_said("recogniser is there")
        link.wait_said("connected")
        teller = Teller(channel)
        for body in (status(), compliance(), vectors.head(3)):
            teller.tell(body)
        page = browser.new_page()
        page.goto(f"{url}icon.svg")
        device = vectors.made()["device"]
        told = page.evaluate(HEARD, [broker.websocket_url, f"doorward/v1/{SITE}/{DEVICE}", device])
        page.close()
    assert told == {"status": "signed", "compliance": "signed", "ledger": "signed"}


# Whose word it is --------------------------------------------------------------------------------------------------


def test_without_a_pinned_key_nothing_is_verified_and_the_claim_is_told(page: Page) -> None:
    said = judged(page, [vectors.told(status(), 1), vectors.told(vectors.head(1), 2)], None)
    assert [(each["state"], each["why"]) for each in said] == [("unverified", "no-key")] * 2
    assert said[0]["claims"] == "gate-1"
    assert said[1]["claims"] == f"gate-1 {fingerprint(bytes.fromhex(KEY))}"


def test_another_devices_key_and_one_that_is_none_sign_nothing(page: Page) -> None:
    message = vectors.told(status(), 1)
    other = vectors.sign_public(vectors.OTHER).hex()
    for key in (other, "0" * 64, "ff" * 32):
        assert judged(page, [message], key)[0]["why"] == "signature"


@pytest.mark.parametrize("call", ["check('status', {body: {}}, key)", "check('status', payload, 'abc')"])
def test_a_page_that_asks_wrongly_hears_of_it(page: Page, call: str) -> None:
    caught = page.evaluate(
        f"""async ([payload, key]) => {{
             const {{ check }} = await import("/verify.js");
             return {call}.then(() => null, (fault) => fault.name);
           }}""",
        [vectors.told(status(), 1)[1], KEY],
    )
    assert caught == "TypeError"


def test_a_device_pinned_without_its_site_speaks_for_the_site_of_the_topic_alone(page: Page) -> None:
    told = page.evaluate(
        """async ([device, payload]) => {
             const ring = (await import("/keys.js")).keyring(), { check } = (await import("/verify.js")).checker();
             ring.pin(JSON.stringify(device));
             const all = ["yard", "harbour"].map((site) => check("status", payload, ring.find(site, device.id)));
             return (await Promise.all(all)).map((each) => each.why);
           }""",
        [vectors.made()["device"], vectors.told(status(), 1)[1]],
    )
    assert told == ["signed", "elsewhere"]


# Order -------------------------------------------------------------------------------------------------------------


def test_messages_are_judged_in_the_order_in_which_they_came(page: Page) -> None:
    sent = [vectors.told(status(), number)[1] for number in range(1, 201)]
    all_at_once = """async ([sent, key]) => {
      const { check } = (await import("/verify.js")).checker();
      return (await Promise.all(sent.map((each) => check("status", each, key)))).map((each) => each.why);
    }"""
    assert page.evaluate(all_at_once, [sent, KEY]) == ["signed"] * 200
    assert page.evaluate(all_at_once, [sent[::-1], KEY]) == ["signed"] + ["older"] * 199


def test_a_page_that_is_opened_anew_remembers(page: Page, address: str) -> None:
    ask = """([kind, payload, key]) => import("/verify.js").then(({ check }) => check(kind, payload, key))"""
    old, new = vectors.told(status(), 1)[1], vectors.told(status(Ground.IN_ZONE), 2)[1]
    size, smaller = vectors.told(vectors.head(5), 3)[1], vectors.told(vectors.head(4), 4)[1]
    for kind, payload in (("status", old), ("status", new), ("ledger", size)):
        assert page.evaluate(ask, [kind, payload, KEY])["why"] == "signed"
    page.goto(f"{address}/style.css")
    for kind, payload, why in (
        ("status", old, "older"),
        ("status", new, "signed"),
        ("ledger", smaller, "ledger-shrank"),
    ):
        assert page.evaluate(ask, [kind, payload, KEY])["why"] == why
    stored = page.evaluate("JSON.stringify(Object.keys(localStorage))")
    assert json.loads(stored) == ["doorward-heard"]
    for nonsense in ("{", "[1]", f'{{"{KEY}": {{"status": {{"sequence": "x"}}, "head": 3}}}}'):
        page.goto(f"{address}/icon.svg")
        page.evaluate("text => { localStorage.setItem('doorward-heard', text) }", nonsense)
        assert page.evaluate(ask, ["status", old, KEY])["why"] == "signed"
        page.evaluate("localStorage.clear()")


def test_a_device_that_was_set_up_anew_may_be_begun_with_again(page: Page) -> None:
    asked = """async ([old, newer, key]) => {
      const { check, forget } = (await import("/verify.js")).checker();
      const told = [await check("status", newer, key), await check("status", old, key)];
      forget(key);
      return [...told, await check("status", old, key)].map((each) => each.why);
    }"""
    sent = [vectors.told(status(), number)[1] for number in (1, 2)]
    assert page.evaluate(asked, [*sent, KEY]) == ["signed", "older", "signed"]


# Where it cannot be done -------------------------------------------------------------------------------------------


def test_where_the_page_came_by_plain_http_it_says_so(browser: Browser) -> None:
    context = browser.new_context()
    page = context.new_page()

    def give(route: Any) -> None:
        route.fulfill(path=FOLDER / route.request.url.rsplit("/", 1)[1])

    page.route("http://door.example/**", give)  # plain http from another host is no secure context
    page.goto("http://door.example/icon.svg")
    found = page.evaluate(
        """([payload, key]) => import("/verify.js").then(async ({ available, check }) =>
             [isSecureContext, available(), await check("status", payload, key)])""",
        [vectors.told(status(), 1)[1], KEY],
    )
    assert found == [False, False, {"state": "unavailable", "why": "insecure", "claims": "gate-1"}]
    context.close()


def test_a_browser_without_ed25519_says_so(browser: Browser, address: str) -> None:
    context = browser.new_context()
    context.add_init_script("SubtleCrypto.prototype.importKey = () => Promise.reject(new DOMException('no'))")
    page = context.new_page()
    page.goto(f"{address}/icon.svg")
    found = judged(page, [vectors.told(status(), 1)])
    assert [(each["state"], each["why"]) for each in found] == [("unavailable", "no-ed25519")]
    context.close()


def test_every_reason_is_met_here() -> None:
    """The list that the page has words for holds no more than what is tried above."""
    text = (FOLDER / "verify.js").read_text("utf-8")
    block = text[text.index("export const WHY") :]
    names = set(re.findall(r'^  "?([a-z0-9-]+)"?: "(?:\w+)"', block[: block.index("};")], re.MULTILINE))
    met = {each["why"] for each in vectors.made()["messages"]}
    assert names == met | {"no-key", "insecure", "no-ed25519"}


# Keys --------------------------------------------------------------------------------------------------------------


def introduced() -> DeviceDocument:
    return read_introduction(json.dumps(vectors.made()["device"]).encode(), "device.json")


def pinned(page: Page, text: str, more: str = "{}") -> Any:
    return page.evaluate(
        f"""async (text) => {{
             const {{ keyring, fingerprint, keyFingerprint }} = await import("/keys.js");
             try {{
               const found = keyring(localStorage).pin(text, {more});
               return Promise.all(found.map(async (each) =>
                 [each.site, each.id, await keyFingerprint(each.signing_key), await fingerprint(each)]));
             }} catch (fault) {{
               return [fault.code, fault.about];
             }}
           }}""",
        text,
    )


def test_the_file_the_code_and_the_policy_give_the_fingerprints_that_the_command_prints(page: Page) -> None:
    device = introduced()
    ours = [None, "gate-1", fingerprint(bytes.fromhex(KEY)), device.fingerprint]
    entry = {"id": device.id, "signing_key": device.signing_key, "box_key": device.box_key}
    policy = {"schema": "doorward/policy/1", "site": "yard", "devices": [entry, {**entry, "id": "gate-2"}]}
    assert pinned(page, json.dumps(vectors.made()["device"], indent=1)) == [ours]
    assert pinned(page, f" {device.code}\n") == [ours]
    both = pinned(page, json.dumps(policy))
    assert both[0] == ["yard", *ours[1:]] and both[1][:3] == ["yard", "gate-2", ours[2]] and len(both) == 2


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "null",
        "[]",
        '{"schema":"doorward/device/1","id":"gate-1"}',
        json.dumps({**vectors.made()["device"], "id": "Gate 1"}),
        json.dumps({**vectors.made()["device"], "signing_key": KEY.upper()}),
        json.dumps({**vectors.made()["device"], "schema": "doorward/device/2"}),
        json.dumps({"schema": "doorward/policy/1", "site": "yard", "devices": []}),
        json.dumps({"schema": "doorward/policy/1", "site": "yard", "devices": [{"id": "gate-1"}]}),
        json.dumps({"schema": "doorward/policy/1", "site": "#", "devices": [vectors.made()["device"]]}),
        introduced().code[:-1],
        introduced().code.lower(),
    ],
)
def test_what_names_no_device_pins_nothing(page: Page, text: str) -> None:
    assert pinned(page, text) == ["not-a-key", ""]
    assert page.evaluate("localStorage.length") == 0


def test_a_pinned_key_is_not_replaced_in_silence(page: Page) -> None:
    device = vectors.made()["device"]
    other = {**device, "signing_key": vectors.sign_public(vectors.OTHER).hex()}
    two = {"schema": "doorward/policy/1", "site": "yard", "devices": [device, other]}
    assert pinned(page, json.dumps(two)) == ["twice", "yard/gate-1"]
    assert pinned(page, json.dumps(device))[0][1] == "gate-1"
    assert pinned(page, json.dumps(device))[0][1] == "gate-1"
    assert pinned(page, json.dumps(other)) == ["twice", "*/gate-1"]
    assert pinned(page, json.dumps({**device, "box_key": "0" * 64})) == ["twice", "*/gate-1"]
    assert pinned(page, json.dumps({**two, "devices": [other]})) == ["twice", "yard/gate-1"]
    listed = """import("/keys.js").then(({ keyring }) => {
      const ring = keyring(localStorage);
      return [ring.list().map((each) => each.signing_key), ring.find("yard", "gate-1")?.signing_key ?? null];
    })"""
    assert page.evaluate(listed) == [[KEY], KEY]
    assert pinned(page, json.dumps(other), "{ replace: true }")[0][1] == "gate-1"
    assert page.evaluate(listed) == [[other["signing_key"]], other["signing_key"]]
    page.evaluate("import('/keys.js').then(({ keyring }) => keyring(localStorage).forget(null, 'gate-1'))")
    assert page.evaluate(listed) == [[], None]


def test_only_public_keys_are_stored_and_what_cannot_be_read_is_not_trusted(page: Page) -> None:
    device = vectors.made()["device"]
    pinned(page, json.dumps({**device, "secret": "s3cret"}))
    stored = page.evaluate("localStorage.getItem('doorward-device-keys')")
    assert json.loads(stored) == [{**{k: v for k, v in device.items() if k != "schema"}, "site": None}]
    empty = "import('/keys.js').then(({ keyring }) => keyring(localStorage).list())"
    for nonsense in ("{", "null", '[{"id":"gate-1"}]', stored.replace(KEY, "abc"), "[null]"):
        page.evaluate("text => { localStorage.setItem('doorward-device-keys', text) }", nonsense)
        assert page.evaluate(empty) == []


def test_a_storage_that_takes_nothing_is_told(page: Page) -> None:
    page.evaluate("() => { Storage.prototype.setItem = () => { throw new DOMException('full') } }")
    assert pinned(page, json.dumps(vectors.made()["device"])) == ["storage", ""]
