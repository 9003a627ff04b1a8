"""`doorward people check` as an operator types it: who is too like whom, on a stopped device."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from agent.app import config
from agent.app.erasure import Erasure
from agent.app.stopped import open_store
from agent.cli.authority import load_site
from agent.gallery._mint import MINT
from agent.gallery.consent import read_receipt
from agent.gallery.reference import ModelIdentity, Reference, ReferenceTemplate
from agent.gallery.vault import VaultContext, lock
from agent.units import Vector
from tests.cli.given import CAST, Desk


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """P1 is enrolled from pictures."""
    made = Desk(tmp_path_factory.mktemp("desk"))
    with closing(made.server):
        assert made.consents("p1").returncode == 0
        assert made.enrols(*(CAST / f"p1-enrol-{place}.webp" for place in range(1, 7))).returncode == 0
        yield made


def keep(desk: Desk, subject: str, vector: Vector) -> None:
    """Put a person into the vault without asking whom they are like, as an older device did."""
    assert desk.consents(subject).returncode == 0
    policy, _ = load_site(desk.site)
    with open_store(config.load(desk.config)) as (keys, store):
        row = store.references()[0]
        context = VaultContext(store.device, store.site, ModelIdentity(row.model_sha256, row.runtime))
        template = ReferenceTemplate(mint=MINT, vector=vector, model=context.model)
        consent = read_receipt(desk.receipt.read_bytes(), policy.enrolment_keys, time.time())
        vault_keys = Erasure(store, keys, pytest.fail).vault_keys()
        store.put_reference(lock(Reference(template, consent), context, vault_keys), time.time())


def direction(*parts: float) -> Vector:
    vector = np.zeros(512, np.float32)
    vector[: len(parts)] = parts
    return vector / np.linalg.norm(vector)


def test_alone_nobody_is_too_like_anybody(desk: Desk) -> None:
    done = desk.types("people", "check", "--config", desk.config)
    assert (done.returncode, done.stdout.splitlines()) == (0, ["1 people compared, 0 pairs too alike"])


def test_pairs_are_named_by_pseudonym_and_without_a_score(desk: Desk) -> None:
    keep(desk, "p7", direction(1.0))
    keep(desk, "p8", direction(0.9, 0.5))
    keep(desk, "p9", direction(0.0, 0.0, 1.0))
    done = desk.types("people", "check", "--config", desk.config)
    first, last = done.stdout.splitlines()
    assert done.returncode == 0 and done.stderr.strip() == ""
    assert first.startswith("p7 and p8: one would be taken for the other")
    assert last == "4 people compared, 1 pairs too alike"


def test_a_device_that_never_heard_of_its_site_knows_no_threshold(desk: Desk, tmp_path: Path) -> None:
    state = tmp_path / "state"
    desk.types("device", "init", "--state", state, "--id", "desk-1", "--insecure-dev")
    other = tmp_path / "device.toml"
    other.write_text(desk.config.read_text().replace(str(desk.state), str(state)))
    done = desk.types("people", "check", "--config", other)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.strip() == (
        "doorward: policy: none was verified on this device; let it reach its site once, then check again"
    )
