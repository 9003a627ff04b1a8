"""A site out of tests/scenarios: what its policy says differently from the demo's own, its scene, what must come of it.

Rules: strict TOML; the expected outcome may be a refusal. `@+30` and `@-30` in a policy are days from now.
"""

from __future__ import annotations

import json
import re
import tomllib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import ValidationError

from agent.demo.judge import Expected
from agent.demo.source import ROOT
from agent.errors import ConfigError
from agent.events.decision import Outcome
from agent.policy.fields import AgeBand
from agent.policy.grounds import Ground
from agent.scene.script import Name, Part, Person, Span, faults

FOLDER: Final = ROOT / "tests" / "scenarios"
_DAYS: Final = re.compile(r"@([+-]\d{1,4})")
_COMPARED: Final = ("match", "no-match", "attack-denied")


class ExpectedDecision(Part):
    outcome: Literal["match", "no-match", "pass-accepted", "pass-refused", "attack-denied"]
    person: Person | None = None
    """Who it is in truth; a match names them by pseudonym."""
    between_s: Span


class ExpectedOutcome(Part):
    camera: Literal["open", "closed"]
    refused: tuple[Ground, ...]
    """Grounds at the end, in the gate's order; empty: permitted."""
    decision: tuple[ExpectedDecision, ...] = ()


class Consenting(Part):
    """What the receipt of one person says beside the usual; `refused` names the field over which none is issued."""

    person: Person
    age: AgeBand
    guardian: Name | None = None
    refused: str | None = None


class CaseFile(Part):
    title: str
    story: str
    policy: dict[str, Any]
    expected: ExpectedOutcome
    consent: tuple[Consenting, ...] = ()


@dataclass(frozen=True, slots=True)
class Case:
    name: str
    file: CaseFile

    @property
    def scene(self) -> Path:
        return FOLDER / self.name / "scene.toml"

    def decided(self, usual: dict[str, Any], now: datetime) -> dict[str, Any]:
        """The demo's usual policy with this site's fields in it; the assessment is of its purpose and mode."""
        changes: dict[str, Any] = _dated(self.file.policy, now)
        made = usual | changes
        if "assessment" not in self.file.policy:
            scope = made["assessment"]["scope"] | {"purpose": made["purpose"], "mode": made["mode"]}
            made["assessment"] = made["assessment"] | {"scope": scope}
        return made

    def expectations(self) -> tuple[Expected, ...]:
        return tuple(
            Expected(
                outcome=Outcome(each.outcome),
                person=each.person,
                subject=each.person.lower() if each.outcome == "match" and each.person else None,
                good_s=each.between_s[0],
                until_s=each.between_s[1],
            )
            for each in self.file.expected.decision
        )

    def looked_in_time(self, at_s: float) -> bool:
        """Whether a face may be looked at then: only for an expected comparison."""
        compared = [each for each in self.file.expected.decision if each.outcome in _COMPARED]
        return any(each.between_s[0] - 1.0 <= at_s <= each.between_s[1] for each in compared)


def names() -> list[str]:
    return sorted(path.parent.name for path in FOLDER.glob("*/site.toml"))


def load(name: str) -> Case:
    """Read one site.

    Raises:
        ConfigError: there is no such site, or its file is wrong; one line for each fault.
    """
    if name not in names():
        raise ConfigError(f"--site {name}: not known; choose {', '.join(names())}")
    path = FOLDER / name / "site.toml"
    try:
        raw = tomllib.loads(path.read_text("utf-8"))
        return Case(name, CaseFile.model_validate_json(json.dumps(raw)))
    except ValidationError as error:
        raise ConfigError("\n".join(faults(error, f"{name}/site.toml"))) from None
    except (OSError, ValueError) as error:
        raise ConfigError(f"{name}/site.toml: cannot be read ({str(error).splitlines()[0]}); mend it there") from None


def _dated(value: Any, now: datetime) -> Any:
    if isinstance(value, dict):
        return {key: _dated(each, now) for key, each in value.items()}
    if isinstance(value, list):
        return [_dated(each, now) for each in value]
    found = _DAYS.fullmatch(value) if isinstance(value, str) else None
    return value if found is None else (now.astimezone(UTC) + timedelta(days=int(found[1]))).isoformat()
