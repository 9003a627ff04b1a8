"""A permission cannot be made, copied, changed, extended or read by accident. The twin of tests/typing/misuse.py."""

from __future__ import annotations

import copy
import dataclasses
import pickle
import types
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from agent.policy._mint import MINT, Mint, Unforgeable
from agent.policy.attempt import Attempts, OptIn, TrackId
from agent.policy.fields import Purpose
from agent.policy.frames import CapturedFrame, CodeFrame, Permit, PermittedFrame, Preview
from agent.policy.gate import Gate, Refusal
from agent.policy.grounds import Ground
from agent.units import Box
from tests.policy.given import SECOND, captured, law, luma, permitted, picture, policy

FACE = Box(30.0, 20.0, 50.0, 45.0)


def code_frame() -> CodeFrame:
    codes = Gate(law()).codes(captured())
    assert isinstance(codes, CodeFrame)
    return codes


def preview() -> Preview:
    shown = Gate(law()).blocks(captured())
    assert isinstance(shown, Preview)
    return shown


def opt_in() -> OptIn:
    attempts = Attempts(policy().document.attempt)
    attempts.observe(permitted(1, 0), {TrackId(1): FACE})
    return attempts.observe(permitted(2, SECOND), {TrackId(1): FACE})[TrackId(1)]


MAKERS: dict[type, Callable[[], Any]] = {
    CapturedFrame: captured,
    CodeFrame: code_frame,
    Permit: lambda: permitted().permit,
    PermittedFrame: permitted,
    Preview: preview,
    OptIn: opt_in,
}
MINTED = [kind for kind in MAKERS if kind is not CapturedFrame]
"""Anyone may make a captured frame: it is what a camera does, and it permits nothing."""

FIELDS: dict[type, dict[str, Any]] = {
    CodeFrame: {"luma": luma(), "scale": 1, "number": 1, "captured_ns": 0},
    Permit: {
        "purpose": Purpose.RESIDENT_ENTRY,
        "policy_version": 1,
        "guardian_below": 14,
        "notice_sha256": "a" * 64,
        "threshold": 0.0,
        "unix_s": 0.0,
    },
    PermittedFrame: {"pixels": picture(), "permit": None, "number": 1, "captured_ns": 0, "cards": ()},
    Preview: {"picture": picture(), "number": 1},
    OptIn: {"track": TrackId(1), "number": 1, "face": None},
}


@pytest.mark.parametrize("kind", MINTED)
@pytest.mark.parametrize("key", [None, object(), Mint(), Mint, "MINT", True])
def test_a_constructor_takes_the_one_key_only(kind: type, key: object) -> None:
    with pytest.raises(TypeError, match=f"only the policy gate makes a {kind.__name__}"):
        kind(key=key, **FIELDS[kind])
    with pytest.raises(TypeError):
        kind(**FIELDS[kind])
    assert type(kind(key=MINT, **FIELDS[kind])) is kind, "the fields above are complete"


@pytest.mark.parametrize("kind", MAKERS)
@pytest.mark.parametrize("how", [copy.copy, copy.deepcopy, pickle.dumps, lambda value: value.__reduce_ex__(4)])
def test_none_is_copied_or_pickled(kind: type, how: Callable[[Any], object]) -> None:
    with pytest.raises(TypeError, match="cannot be copied"):
        how(MAKERS[kind]())


@pytest.mark.parametrize("kind", MINTED)
def test_none_is_replaced_or_changed(kind: type) -> None:
    value = MAKERS[kind]()
    # Python 3.13 turned the first of these from a ValueError into a TypeError.
    with pytest.raises((TypeError, ValueError)):
        dataclasses.replace(value, number=9)
    with pytest.raises(TypeError):
        dataclasses.replace(value, key=object())
    field = dataclasses.fields(value)[0].name
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(value, field, None)
    with pytest.raises(dataclasses.FrozenInstanceError):
        delattr(value, field)
    with pytest.raises((AttributeError, TypeError)):
        value.anything_else = 1
    assert not hasattr(value, "__dict__")


@pytest.mark.parametrize("kind", [*MAKERS, Unforgeable])
def test_none_is_extended(kind: type) -> None:
    with pytest.raises(TypeError, match=r"only agent\.policy may extend"):
        types.new_class("Forged", (kind,))


@pytest.mark.parametrize("kind", MAKERS)
def test_none_tells_its_content_or_equals_another(kind: type) -> None:
    one, other = MAKERS[kind](), MAKERS[kind]()
    assert repr(one) == str(one) == f"<{kind.__name__}>"
    assert one != other and one == one


@pytest.mark.parametrize(
    "pixels",
    [lambda: code_frame().luma, lambda: permitted().pixels, lambda: preview().picture],
    ids=["code frame", "permitted frame", "preview"],
)
def test_pixels_are_read_only(pixels: Callable[[], Any]) -> None:
    with pytest.raises(ValueError, match="read-only"):
        pixels()[0, 0] = 1


def test_a_permitted_frame_shares_no_memory_with_the_camera_s() -> None:
    rgb = picture()
    frame = Gate(law()).admit(captured(rgb=rgb), _lawful())
    assert isinstance(frame, PermittedFrame) and not np.shares_memory(frame.pixels, rgb)
    rgb[:] = 7
    assert (frame.pixels == 200).all()


def _lawful() -> Any:
    from tests.policy.given import here

    return here()


def test_a_captured_frame_shows_number_and_time_and_nothing_else() -> None:
    frame = captured(3, 4)
    assert [name for name in dir(frame) if not name.startswith("_")] == ["captured_ns", "number"]
    assert not hasattr(frame, "__dict__") and not hasattr(frame, "__array__")
    with pytest.raises(AttributeError):
        frame.pixels = picture()  # type: ignore[attr-defined]


def test_a_refusal_may_be_made_by_anyone_but_says_nothing_but_grounds() -> None:
    refusal = Refusal((Ground.STOPPED,))
    assert refusal == Refusal((Ground.STOPPED,)) != Refusal((Ground.IN_ZONE,))
    assert [field.name for field in dataclasses.fields(refusal)] == ["grounds"]
    with pytest.raises(dataclasses.FrozenInstanceError):
        refusal.grounds = ()  # type: ignore[misc]
