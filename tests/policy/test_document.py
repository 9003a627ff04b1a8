"""Signed JSON is read strictly: each way of saying nothing, or two things, is refused by field and rule."""

from __future__ import annotations

import json
from typing import Annotated, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import AwareDatetime, Field, ValidationError

from agent.errors import PolicyError
from agent.policy.document import Strict, read


class Part(Strict):
    deep: bool = False


class Other(Strict):
    kind: Annotated[Literal["other/1"], Field(alias="schema")]
    size: int


class Kind(Strict):
    name: Annotated[str, Field(pattern="^[a-z]+$")]
    count: int
    share: float = 0.5
    when: AwareDatetime | None = None
    part: Part = Part()
    corners: tuple[tuple[float, float], ...] = ()


def of(text: str) -> Kind:
    return read(text.encode(), Kind, "permission/kind.json")


def test_a_good_document_is_read_with_its_types() -> None:
    text = '{"name": "a", "count": 3, "share": 1, "when": "2026-11-01T08:00:00+08:00", "corners": [[1, 2.5]]}'
    kind = of(text)
    assert (kind.count, kind.share, kind.corners) == (3, 1.0, ((1.0, 2.5),))
    assert kind.when is not None and kind.when.timestamp() == 1_793_491_200


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{"name": "a", "count": 1, "count": 1}', "field 'count' is given twice"),
        ('{"name": "a", "count": 1, "part": {"deep": true, "deep": false}}', "field 'deep' is given twice"),
        ('{"name": "a", "count": 1, "share": NaN}', "NaN is not a number"),
        ('{"name": "a", "count": 1, "share": -Infinity}', "-Infinity is not a number"),
        ('{"name": "a", "count": 1, "share": 1e999}', "share: "),
        ('{"name": "a", "count": 1, "hidden": 1}', "hidden: "),
        ('{"name": "a", "count": "1"}', "count: "),
        ('{"name": "a", "count": true}', "count: "),
        ('{"name": "a", "count": 1.5}', "count: "),
        ('{"name": "A", "count": 1}', "name: "),
        ('{"name": "a"}', "count: "),
        ('{"name": "a", "count": 1, "when": "2026-11-01T08:00:00"}', "when: "),
        ('{"name": "a", "count": 1, "part": {"deep": 1}}', "part.deep: "),
        ("[]", "document: "),
        ("null", "document: "),
        ("", "not readable as JSON"),
        ('{"name": "a", "count": 1} {}', "not readable as JSON"),
        ('{"name": "a", "count": ' + "9" * 5000 + "}", "not readable as JSON"),
    ],
)
def test_a_fault_is_named_by_source_and_field(text: str, says: str) -> None:
    with pytest.raises(PolicyError) as caught:
        of(text)
    assert str(caught.value).startswith("permission/kind.json: ")
    assert says in str(caught.value)


def test_every_fault_is_listed() -> None:
    with pytest.raises(PolicyError) as caught:
        of('{"name": "A", "count": "x", "more": 1}')
    assert len(str(caught.value).splitlines()) == 3


def test_of_a_document_of_another_kind_only_that_is_said() -> None:
    with pytest.raises(PolicyError) as caught:
        read(b'{"schema": "kind/1", "name": "a", "count": 1}', Other, "x")
    assert str(caught.value).startswith("x: schema: ")
    assert len(str(caught.value).splitlines()) == 1


def test_the_value_at_fault_is_not_repeated() -> None:
    with pytest.raises(PolicyError) as caught:
        of('{"name": "Zaphod", "count": 1}')
    assert "Zaphod" not in str(caught.value)


def test_no_utf8_no_document() -> None:
    with pytest.raises(PolicyError, match="not readable as JSON"):
        read(b'{"name": "\xff", "count": 1}', Kind, "x")


def test_nesting_without_end_is_refused() -> None:
    with pytest.raises(PolicyError, match="nested too deep"):
        of('{"a":' * 100_000)


def test_a_document_has_a_limit() -> None:
    largest = '{"name": "a", "count": 1}'.ljust(1_000_000)
    assert of(largest).count == 1
    with pytest.raises(PolicyError, match="larger than 1000000 bytes"):
        of(largest + " ")


def test_a_document_is_frozen() -> None:
    with pytest.raises(ValidationError):
        of('{"name": "a", "count": 1}').count = 2  # type: ignore[misc]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.sampled_from(["name", "count", "part"]), inner),
    max_leaves=20,
)


@given(st.one_of(st.binary(), json_values.map(lambda value: json.dumps(value).encode())))
def test_bytes_of_any_kind_raise_nothing_else(data: bytes) -> None:
    try:
        found = read(data, Kind, "x")
    except PolicyError:
        return
    assert isinstance(found, Kind)
