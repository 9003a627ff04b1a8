"""A bundle checks without the device, is the same bytes twice, and no change of it goes unseen."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO

import pytest
from hypothesis import given, settings, strategies

from agent.crypto import BoxSecret, SignPublic, SignSecret, box_public, sha256, sign_public
from agent.errors import ConfigError, VaultError
from agent.introduction import device_json
from agent.ledger.checkpoint import make_checkpoint
from agent.ledger.entry import canonical
from agent.report.archive import pack, unpack
from agent.report.bundle import Carry, make_bundle
from agent.report.check import Checked, check_bundle
from agent.report.making import Order
from agent.report.source import source_of
from agent.units import DeviceId
from tests.ledger.given import DEVICE, SIGNER, SITE, Draft
from tests.policy.given import document
from tests.report.given import KEYS, PEOPLE, POLICY, WEEK, Book, at, week
from tests.report.test_facts import shortened_week

AGENT = "0.1.0"
LEDGER, CHECKPOINTS = f"devices/{DEVICE}/ledger.jsonl", f"devices/{DEVICE}/checkpoints.jsonl"
DEVICE_JSON, POLICY_FILE = f"devices/{DEVICE}/device.json", f"policies/{sha256(POLICY)}.json"
BOX = box_public(BoxSecret(b"\x07" * 32))
INTRODUCTION = device_json(DEVICE, sign_public(SIGNER), BOX)


def carry(book: Draft, *, named: bool = True, held: tuple[bytes, ...] = ()) -> Carry:
    source = source_of(book.copy(), KEYS if named else {}, held)
    return Carry(source, book.checkpoints, held, KEYS[DEVICE] if named else None, INTRODUCTION)


def order(language: str = "en", agent: str = AGENT) -> Order:
    return Order(WEEK, language, agent)


def bundle(book: Draft | None = None) -> bytes:
    return make_bundle([carry(book or week())], order(), {sha256(POLICY): POLICY})


def check(data: bytes, keys: dict[str, SignPublic] | None = None) -> Checked:
    return check_bundle(data, AGENT, KEYS if keys is None else keys)


@pytest.fixture(scope="module")
def made() -> bytes:
    return bundle()


# What it holds ------------------------------------------------------------------------------------------------------


def test_it_checks_and_names_what_covers_each_file(made: bytes) -> None:
    found = check(made)
    assert found.site == SITE and found.named == {DEVICE: True}
    assert [(each.device, each.size, each.unsigned) for each in found.devices] == [(DEVICE, 220, 1)]
    assert {name for name, _ in (*found.covered, *found.uncovered)} == set(unpack(made))
    assert dict(found.covered)[POLICY_FILE] == "its hash is in the signed ledger"
    assert dict(found.covered)["report.html"] == "made again from the ledger: the same"
    assert dict(found.uncovered) == {
        LEDGER: "its last 1 entries are not signed yet",
        DEVICE_JSON: "its signing key is the ledger's, but no policy here names its box key",
    }
    assert check(made, {}).named == {DEVICE: False}


def test_twice_made_it_is_the_same_bytes(made: bytes) -> None:
    assert bundle() == made
    assert make_bundle([carry(week())], order("zh-Hans"), {}) != made


def test_it_holds_no_pseudonym_and_says_who_may_see_it(made: bytes) -> None:
    for name, data in unpack(made).items():
        for subject in PEOPLE:
            assert subject.encode() not in data, name
    readme = unpack(made)["README.txt"].decode()
    assert "doorward ledger verify" in readme and "exact times" in readme and "准确时间" in readme
    assert all(name in readme for name in unpack(made) if name != "README.txt")


def test_a_policy_that_names_the_keys_covers_device_json() -> None:
    devices = [{"id": DEVICE, "signing_key": sign_public(SIGNER).hex(), "box_key": BOX.hex()}]
    policy = json.dumps(document(site=SITE, devices=devices)).encode()
    book = week()
    book.adopt(at(17, 23), policy)
    book.check(at(17, 23, 1))
    book.adopt(at(17, 23, 2), b"{}")
    files = {sha256(policy): policy, sha256(b"{}"): b"{}"}
    found = check(make_bundle([carry(book)], order(), files))
    assert dict(found.covered)[DEVICE_JSON] == "a policy in the bundle names its keys"
    assert dict(found.uncovered) == {
        LEDGER: "its last 1 entries are not signed yet",
        f"policies/{sha256(b'{}')}.json": "the entry with its hash is not signed",
    }


def test_checkpoints_from_elsewhere_ride_along_and_can_be_given_again(made: bytes) -> None:
    book = week()
    held = book.checkpoints.pop(3)
    found = check(make_bundle([carry(book, held=(held,))], order(), {}))
    assert dict(found.covered)[f"devices/{DEVICE}/held.jsonl"] == "the device's signature on each"
    assert found.devices[0].checkpoints == 7
    assert check_bundle(made, AGENT, {}, [held]).devices[0].checkpoints == 8
    grown = week()
    grown.enrol(at(17, 23), PEOPLE[0])
    later = grown.sign(unix_s=at(17, 23, 1))
    with pytest.raises(VaultError, match="cut off"):
        check_bundle(made, AGENT, {}, [later])


def test_without_a_checkpoint_nothing_is_said_to_be_signed() -> None:
    book = week()
    book.checkpoints.clear()
    found = check(make_bundle([carry(book, named=False)], order(), {}), {})
    assert dict(found.uncovered)[LEDGER] == "no checkpoint is in the bundle: the device has not signed it"
    assert dict(found.uncovered)[DEVICE_JSON] == "no checkpoint and no policy here names its keys"


def test_several_devices_are_in_one_bundle_by_name() -> None:
    book = Book()
    book.start(at(11, 8))
    book.refuse(at(11, 8, 1))
    text = {pos: data.replace(b"gate-1", b"gate-0") for pos, data in book.entries}
    book.entries = list(text.items())
    book.renumber()
    other = SignSecret(b"\x09" * 32)
    book.checkpoints = [make_checkpoint(book.frontier, SITE, DeviceId("gate-0"), other, at(11, 9))]
    second = Carry(source_of(book.copy(), {}), book.checkpoints, (), None, None)
    data = make_bundle([carry(week()), second], order(), {sha256(POLICY): POLICY})
    assert [each.device for each in check(data).devices] == ["gate-0", DEVICE]
    with pytest.raises(ConfigError, match="2 devices"):
        check_bundle(data, AGENT, {}, one=KEYS[DEVICE])
    assert data == make_bundle([second, carry(week())], order(), {sha256(POLICY): POLICY})


def test_a_shortened_ledger_begins_at_its_signed_checkpoint_in_the_bundle_too() -> None:
    book = shortened_week()
    data = make_bundle([carry(book)], order(), {})
    (found,) = check(data).devices
    assert (found.dropped, found.size, found.unsigned) == (2, 6, 0)
    files = unpack(data)
    peak = book.begin.peaks[0].hex().encode()
    for old, new, says in (
        (b'"begin":2', b'"begin":4', "not those of the signed checkpoint"),
        (b'"begin":2', b'"begin":3', "bundle.json"),
        (peak, b"0" * 64, "not those of the signed checkpoint"),
        (peak, b"zz", "bundle.json"),
    ):
        forged = {**files, "bundle.json": files["bundle.json"].replace(old, new)}
        with pytest.raises(VaultError, match=says):
            check(pack(forged), {})


def test_a_ledger_that_does_not_verify_makes_no_bundle() -> None:
    book = week()
    del book.entries[20]
    with pytest.raises(VaultError, match="--bundle: gate-1"):
        make_bundle([carry(book)], order(), {})


def test_a_report_of_another_version_is_not_covered_and_said_to_be_so() -> None:
    data = make_bundle([carry(week())], order(agent="0.0.9"), {sha256(POLICY): POLICY})
    found = check(data)
    assert {"report.html", "README.txt", "bundle.json"} <= dict(found.uncovered).keys()
    assert "0.0.9" in dict(found.uncovered)["report.html"]


# What is done to it -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Tampering:
    name: str
    do: Callable[[dict[str, bytes]], None]
    says: str


def edit(name: str, old: bytes, new: bytes) -> Callable[[dict[str, bytes]], None]:
    def do(files: dict[str, bytes]) -> None:
        assert old in files[name]
        files[name] = files[name].replace(old, new, 1)

    return do


def forged_tail(files: dict[str, bytes]) -> None:
    """The end cut off, with the list put right after it: the report is still another one."""
    lines = files[LEDGER].splitlines(keepends=True)[:-1]
    files[LEDGER] = b"".join(lines)
    listed = json.loads(files["bundle.json"])
    draft = Draft()
    draft.entries = [(place, line.rstrip()) for place, line in enumerate(lines)]
    draft.renumber()
    listed["devices"][0] |= {"size": len(lines), "root": draft.frontier.root().hex()}
    files["bundle.json"] = canonical(listed)


def resigned(files: dict[str, bytes]) -> None:
    """All checkpoints made anew by another key."""
    book = week()
    book.checkpoints.clear()
    book.sign(SignSecret(b"\x0a" * 32))
    files[CHECKPOINTS] = book.checkpoints[0] + b"\n"


def moved(files: dict[str, bytes]) -> None:
    lines = files[LEDGER].splitlines(keepends=True)
    files[LEDGER] = b"".join((*lines[:50], lines[51], lines[50], *lines[52:]))


TAMPERINGS = [
    Tampering("entry", edit(LEDGER, b"no-match", b"match"), LEDGER),
    Tampering("entries moved", moved, LEDGER),
    Tampering("blank line", lambda f: f.update({LEDGER: f[LEDGER] + b"\n"}), LEDGER),
    Tampering("cut in a line", lambda f: f.update({LEDGER: f[LEDGER][:-5]}), LEDGER),
    Tampering("end cut off", lambda f: f.update({LEDGER: f[LEDGER].rsplit(b"\n", 2)[0] + b"\n"}), "bundle.json names"),
    Tampering("end cut off with the list", forged_tail, "is not what the ledger in this bundle gives"),
    Tampering("signed by another", resigned, "another key"),
    Tampering("checkpoint", edit(CHECKPOINTS, b'"size":39', b'"size":38'), "signature"),
    Tampering("checkpoint taken out", lambda f: f.update({CHECKPOINTS: f[CHECKPOINTS].split(b"\n", 1)[1]}), "report"),
    Tampering("policy", edit(POLICY_FILE, b"resident-entry", b"visitor-entry"), POLICY_FILE),
    Tampering("policy added", lambda f: f.update({f"policies/{sha256(b'x')}.json": b"x"}), "policies/"),
    Tampering("policy taken out", lambda f: f.pop(POLICY_FILE), "is not what the ledger in this bundle gives"),
    Tampering("report", edit("report.html", b"28 / 31", b"31 / 31"), "report.html"),
    Tampering("readme", edit("README.txt", b"quay", b"pier"), "README.txt"),
    Tampering("file added", lambda f: f.update({"note.txt": b"trust me"}), "note.txt: was added"),
    Tampering("report taken out", lambda f: f.pop("report.html"), "report.html: was taken out"),
    Tampering("ledger taken out", lambda f: f.pop(LEDGER), "ledger.jsonl: was taken out"),
    Tampering("nobody's ledger", lambda f: f.update({LEDGER: b"", CHECKPOINTS: b""}), "whose it is"),
    Tampering("list taken out", lambda f: f.pop("bundle.json"), "no bundle of Doorward"),
    Tampering("list", edit("bundle.json", b"Asia/Shanghai", b"UTC"), "is not what the ledger in this bundle gives"),
    Tampering("days", edit("bundle.json", b"2030-03-17", b"2030-03-16"), "is not what"),
    Tampering("no day", edit("bundle.json", b"2030-03-17", b"2030-03-77"), "no report can be made"),
    Tampering("site", edit("bundle.json", b'"quay"', b'"pier"'), "does not fit"),
    Tampering("language", edit("bundle.json", b'"en"', b'"fr"'), "language"),
    Tampering("field", edit("bundle.json", b'"agent"', b'"agents"'), "bundle.json"),
    Tampering("space", edit("bundle.json", b'"site":', b'"site": '), "bundle.json"),
    Tampering("key", edit("bundle.json", KEYS[DEVICE].hex().encode(), b"0" * 64), "another key"),
    Tampering("name", edit("bundle.json", b'"gate-1"', b'"gate-2"'), "was taken out"),
    Tampering("root", edit("bundle.json", b'"size":220', b'"size":219'), LEDGER),
    Tampering("device", edit(DEVICE_JSON, sign_public(SIGNER).hex().encode(), b"1" * 64), DEVICE_JSON),
    Tampering("device's form", edit(DEVICE_JSON, b"doorward/device/1", b"doorward/device/2"), DEVICE_JSON),
]  # fmt: skip


@pytest.mark.parametrize("tampering", TAMPERINGS, ids=lambda each: each.name)
def test_each_tampering_is_found_and_named(made: bytes, tampering: Tampering) -> None:
    files = unpack(made)
    tampering.do(files)
    with pytest.raises(VaultError) as caught:
        check(pack(files), {})
    assert tampering.says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_another_box_key_in_device_json_is_said_not_to_be_covered(made: bytes) -> None:
    files = unpack(made)
    files[DEVICE_JSON] = files[DEVICE_JSON].replace(BOX.hex().encode(), b"2" * 64)
    assert DEVICE_JSON in dict(check(pack(files)).uncovered)


def test_the_key_of_whoever_checks_decides(made: bytes) -> None:
    other = sign_public(SignSecret(b"\x0a" * 32))
    for keys, one in (({DEVICE: other}, None), ({}, other)):
        with pytest.raises(VaultError, match="another key"):
            check_bundle(made, AGENT, keys, one=one)
    assert check_bundle(made, AGENT, {}, one=KEYS[DEVICE]).named == {DEVICE: True}


def test_a_ledger_under_another_devices_name_is_refused(made: bytes) -> None:
    files = unpack(made)
    renamed = {name.replace("gate-1", "gate-2"): data for name, data in files.items()}
    renamed["bundle.json"] = renamed["bundle.json"].replace(b"gate-1", b"gate-2")
    with pytest.raises(VaultError, match="is the ledger of gate-1"):
        check(pack(renamed), {})


@settings(max_examples=150)
@given(at=strategies.integers(min_value=0), mask=strategies.integers(1, 255))
def test_no_changed_byte_of_the_file_changes_what_is_read(made: bytes, at: int, mask: int) -> None:
    data = bytearray(made)
    data[at % len(data)] ^= mask
    try:
        files = unpack(bytes(data))
        check(bytes(data), {})
    except VaultError:
        return
    assert files == unpack(made)


@settings(max_examples=200)
@given(
    place=strategies.integers(min_value=0),
    at=strategies.integers(min_value=0),
    value=strategies.sampled_from(b'09afz \n"{}\x00\xff'),
)
def test_no_changed_byte_of_a_file_goes_unseen(made: bytes, place: int, at: int, value: int) -> None:
    files = unpack(made)
    name = sorted(files)[place % len(files)]
    data = bytearray(files[name])
    data[at % len(data)] = value
    if bytes(data) == files[name]:
        return
    try:
        found = check(pack({**files, name: bytes(data)}), {})
    except VaultError:
        return
    assert name in dict(found.uncovered), "what passes was said not to be covered"


def zipped(**options: object) -> bytes:
    made = BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a", b"1")
        archive.comment = bytes(options.get("comment", b""))  # type: ignore[call-overload]
        if options.get("twice"):
            with pytest.warns(UserWarning):
                archive.writestr("a", b"2")
        if options.get("stored"):
            archive.writestr("b", b"2", zipfile.ZIP_STORED)
        if options.get("name"):
            archive.writestr(str(options["name"]), b"2")
        if options.get("many"):
            for number in range(2001):
                archive.writestr(f"n{number}", b"")
    return made.getvalue()


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"PK\3\4 and nothing", "cannot be unpacked"),
        (zipped(comment=b"x"), "holds more"),
        (b"in front" + zipped(), "holds more"),
        (zipped() + b"behind", "holds more"),
        (zipped(twice=True), "twice"),
        (zipped(stored=True), "another way"),
        (zipped(name="../../etc/passwd"), "strange name"),
        (zipped(name="/etc/passwd"), "strange name"),
        (zipped(many=True), "larger"),
        (zipped(), "no bundle of Doorward"),
    ],
)
def test_what_is_no_such_zip_is_refused(data: bytes, says: str) -> None:
    with pytest.raises(VaultError, match=says):
        check(data)
