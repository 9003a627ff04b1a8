"""The authority's keys: written once, readable by their owner only, and never shown."""

from __future__ import annotations

from pathlib import Path

import pytest
from securesystemslib.exceptions import UnverifiedSignatureError
from securesystemslib.signer import Key, Signature

from agent.crypto import SignSecret, box_public, sign_public
from agent.errors import ConfigError
from agent.site.keyfiles import ROLES, Kind
from agent.site.keys import Ed25519Signer, SiteKeys
from agent.tuf_keys import Ed25519Key

SEED = SignSecret(bytes(range(32)))


def test_saved_keys_are_read_back(tmp_path: Path) -> None:
    keys = SiteKeys.fresh()
    keys.save(tmp_path / "keys")
    again = SiteKeys.load(tmp_path / "keys")
    assert all(again.sign_secret(role) == keys.sign_secret(role) for role in ROLES)
    assert again.events_secret() == keys.events_secret()
    assert again.events_public() == box_public(keys.events_secret())
    assert again.sign_public("pass") == sign_public(keys.sign_secret("pass"))
    assert again.single


def test_two_sites_have_different_keys() -> None:
    first, second = SiteKeys.fresh(), SiteKeys.fresh()
    assert first.sign_secret("root") != second.sign_secret("root")
    assert first.events_secret() != second.events_secret()
    assert bytes(first.events_secret()) != bytes(first.sign_secret("root"))


def test_a_site_with_one_other_key_is_not_single() -> None:
    keys = SiteKeys.fresh()
    seeds: dict[Kind, bytes] = {role: keys.sign_secret(role) for role in ROLES}
    assert SiteKeys.of(seeds).single
    assert not SiteKeys.of(seeds | {"timestamp": SEED}).single
    assert not SiteKeys.of({"root": SEED, "targets": SEED, "permission": SEED}).single


def test_files_are_their_owners_alone(tmp_path: Path) -> None:
    SiteKeys.fresh().save(tmp_path / "keys")
    files = list((tmp_path / "keys").iterdir())
    assert len(files) == 9
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
    assert (tmp_path / "keys").stat().st_mode & 0o777 == 0o700


def test_keys_are_never_overwritten(tmp_path: Path) -> None:
    SiteKeys.fresh().save(tmp_path)
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    with pytest.raises(ConfigError, match="never overwritten"):
        SiteKeys.fresh().save(tmp_path)
    assert before == {file.name: file.read_bytes() for file in tmp_path.iterdir()}


def test_a_folder_that_cannot_be_made_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ConfigError, match="choose a folder"):
        SiteKeys.fresh().save(tmp_path / "file" / "keys")


@pytest.mark.parametrize("text", ["", "ab", "zz" * 32, "ab" * 33, "é" * 64])
def test_a_damaged_key_is_named_and_not_shown(tmp_path: Path, text: str) -> None:
    SiteKeys.fresh().save(tmp_path)
    (tmp_path / "pass.ed25519").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=r"pass\.ed25519: a key is 64 hex digits") as caught:
        SiteKeys.load(tmp_path)
    assert not text or text not in str(caught.value)


def test_a_missing_key_is_named_when_it_is_needed(tmp_path: Path) -> None:
    SiteKeys.fresh().save(tmp_path)
    (tmp_path / "events.x25519").unlink()
    with pytest.raises(ConfigError, match="no key for events"):
        SiteKeys.load(tmp_path).events_secret()


def test_a_key_that_others_may_read_is_refused(tmp_path: Path) -> None:
    SiteKeys.fresh().save(tmp_path)
    (tmp_path / "root.ed25519").chmod(0o640)
    with pytest.raises(ConfigError, match="others may read"):
        SiteKeys.load(tmp_path)


def test_nothing_of_a_secret_is_in_a_repr() -> None:
    keys = SiteKeys.fresh()
    shown = repr(keys) + str(vars(type(keys))) + repr(keys.signer("root"))
    assert keys.sign_secret("root").hex() not in shown and repr(bytes(keys.sign_secret("root"))) not in shown


def test_a_signature_holds_for_its_bytes_and_key_alone() -> None:
    signer = Ed25519Signer(SEED)
    signature = signer.sign(b"payload")
    signer.public_key.verify_signature(signature, b"payload")
    other = Ed25519Signer(SignSecret(bytes(32))).public_key
    changed = Signature(signature.keyid, "00" + signature.signature[2:])
    for key, what, data in [
        (signer.public_key, signature, b"payloads"),
        (signer.public_key, changed, b"payload"),
        (signer.public_key, Signature(signature.keyid, "not hex"), b"payload"),
        (signer.public_key, Signature(signature.keyid, ""), b"payload"),
        (other, signature, b"payload"),
        (other, Signature(other.keyid, signature.signature), b"payload"),
    ]:
        with pytest.raises(UnverifiedSignatureError):
            key.verify_signature(what, data)


def test_a_public_key_is_read_back_through_the_registry() -> None:
    key = Ed25519Signer(SEED).public_key
    again = Key.from_dict(key.keyid, key.to_dict())
    assert isinstance(again, Ed25519Key) and again == key


@pytest.mark.parametrize(
    "changes",
    [
        {"keytype": "rsa"},
        {"scheme": "rsassa-pss-sha256"},
        {"keytype": "rsa", "scheme": "pgp+rsa-pkcsv1.5"},
        {"keyval": {}},
        {"keyval": {"public": "ab"}},
        {"keyval": {"public": "AB" * 32}},
        {"keyval": {"public": 7}},
        {"keyval": ["public"]},
        {"keyval": {"public": "ab" * 32, "private": "cd" * 32}},
        {"more": 1},
    ],
)
def test_no_other_kind_of_key_is_spoken(changes: dict[str, object]) -> None:
    key = Ed25519Signer(SEED).public_key
    with pytest.raises(ValueError):
        Key.from_dict(key.keyid, key.to_dict() | changes)


def test_one_key_cannot_count_twice_under_two_ids() -> None:
    key = Ed25519Signer(SEED).public_key
    with pytest.raises(ValueError, match="hash of the key"):
        Key.from_dict("0" * 64, key.to_dict())


def test_a_signer_is_not_made_from_an_address() -> None:
    with pytest.raises(NotImplementedError):
        Ed25519Signer.from_priv_key_uri("file:key", Ed25519Signer(SEED).public_key)
