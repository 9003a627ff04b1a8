"""Key files under a passphrase: opened by it alone, asked for when they are used, and the same key afterwards."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.errors import ConfigError
from agent.site.keyfiles import pin, pinned
from agent.site.keys import SiteKeys

PASSPHRASE = "correct horse battery"


class Asked:
    """Gives passphrases and counts how often it is asked."""

    def __init__(self, *passphrases: str) -> None:
        self.passphrases, self.folders = passphrases, list[Path]()

    def __call__(self, folder: Path) -> Iterator[str]:
        self.folders.append(folder)
        yield from self.passphrases


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[SiteKeys, Path]:
    folder = tmp_path_factory.mktemp("holder") / "keys"
    return SiteKeys.fresh_for(["root", "permission", "events"]).save(folder, PASSPHRASE), folder


def test_a_passphrase_opens_them_once_for_all(made: tuple[SiteKeys, Path]) -> None:
    keys, folder = made
    asked = Asked("no, not this one", PASSPHRASE)
    again = SiteKeys.load(folder, ask=asked)
    assert again.sign_public("root") == keys.sign_public("root") and not asked.folders, "what is public is not locked"
    assert again.sign_secret("root") == keys.sign_secret("root")
    assert again.sign_secret("permission") == keys.sign_secret("permission")
    assert again.events_secret() == keys.events_secret()
    assert asked.folders == [folder]


def test_nothing_of_a_secret_or_a_passphrase_is_in_the_files(made: tuple[SiteKeys, Path]) -> None:
    keys, folder = made
    for file in folder.iterdir():
        assert file.stat().st_mode & 0o777 == 0o600
        text = file.read_text()
        assert PASSPHRASE not in text
        assert keys.sign_secret("root").hex() not in text and keys.events_secret().hex() not in text
        assert json.loads(text)["kdf"] == "argon2id"


@pytest.mark.parametrize("passphrases", [(), ("wrong wrong wrong",)])
def test_without_it_they_stay_shut(made: tuple[SiteKeys, Path], passphrases: tuple[str, ...]) -> None:
    again = SiteKeys.load(made[1], ask=Asked(*passphrases))
    with pytest.raises(ConfigError, match=r"root\.ed25519: no passphrase given opens it") as caught:
        again.sign_secret("root")
    assert "wrong wrong" not in str(caught.value)
    with pytest.raises(ConfigError, match="no passphrase"):
        again.signers([again.public_key("root").keyid])
    assert again.signers(["ab" * 32]) == []


@pytest.mark.parametrize(
    ("field", "value"),
    [("public", "1" * 64), ("salt", "0" * 32), ("box", "0" * 144), ("passes", 1), ("passes", 0), ("memory_bytes", 8192),
     ("memory_bytes", 1 << 40), ("kdf", "none"), ("schema", "doorward/site-key/2"), ("more", 1)],
)  # fmt: skip
def test_a_changed_file_is_refused(made: tuple[SiteKeys, Path], tmp_path: Path, field: str, value: object) -> None:
    document = json.loads((made[1] / "root.ed25519").read_text())
    (tmp_path / "root.ed25519").write_text(json.dumps(document | {field: value}))
    with pytest.raises(ConfigError, match=r"root\.ed25519") as caught:
        SiteKeys.load(tmp_path, ask=Asked(PASSPHRASE)).sign_secret("root")
    assert len(str(caught.value).splitlines()) == 1


def test_a_locked_file_may_lie_on_a_medium_without_owners(made: tuple[SiteKeys, Path], tmp_path: Path) -> None:
    (tmp_path / "root.ed25519").write_bytes((made[1] / "root.ed25519").read_bytes())
    (tmp_path / "root.ed25519").chmod(0o777)
    assert SiteKeys.load(tmp_path, ask=Asked(PASSPHRASE)).sign_secret("root") == made[0].sign_secret("root")


def test_a_short_passphrase_is_not_taken(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="shorter than 12"):
        SiteKeys.fresh_for(["root"]).save(tmp_path / "keys", "short")
    assert not (tmp_path / "keys").exists()


def test_a_new_key_lies_beside_the_old_and_is_the_one_that_is_used(tmp_path: Path) -> None:
    first = SiteKeys.fresh_for(["pass"]).save(tmp_path)
    second = SiteKeys.fresh_for(["pass"]).save(tmp_path, beside=True)
    third = SiteKeys.fresh_for(["pass"]).save(tmp_path, beside=True)
    assert {file.name for file in tmp_path.iterdir()} == {"pass.ed25519", "pass.2.ed25519", "pass.3.ed25519"}
    again = SiteKeys.load(tmp_path)
    assert again.sign_secret("pass") == third.sign_secret("pass")
    ids = [keys.public_key("pass").keyid for keys in (first, second)]
    assert [signer.public_key.keyid for signer in again.signers(ids)] == ids


def test_a_folder_without_keys_is_named(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "none"):
        with pytest.raises(ConfigError, match=str(folder)):
            SiteKeys.load(folder)
    with pytest.raises(ConfigError, match="name its folder with --keys"):
        SiteKeys.fresh_for(["pass"]).sign_secret("root")


def test_the_root_is_written_down_once(tmp_path: Path) -> None:
    assert pinned(tmp_path) is None
    pin(tmp_path, "ab" * 32)
    pin(tmp_path, "cd" * 32)
    assert pinned(tmp_path) == "ab" * 32
    (tmp_path / "root.sha256").write_text("zz")
    with pytest.raises(ConfigError, match="64 hex digits"):
        pinned(tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match=r"root\.sha256"):
        pinned(tmp_path / "file")
