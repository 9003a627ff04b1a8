"""What a language must give a report; english.py and chinese.py do, with the names of rules in names.py.

Names in braces are filled in. A test holds both languages against each other and against the agent's enums.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from agent.events.bodies import Met
from agent.events.decision import Outcome
from agent.policy.declared import Way
from agent.policy.fields import Mode, Place, ProfileName, Purpose
from agent.policy.grounds import Ground


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    language: str
    title: str
    subtitle: str
    one_device: str
    devices: str
    device: str
    joint: str
    """Between the parts of a list."""
    space: str
    """Between sentences."""
    separators: tuple[str, str]
    """Between thousands, and in front of a percent sign."""
    day: str
    hour: str
    minute: str
    second: str
    under_a_second: str
    unknown: str
    none: str
    fewer: str
    at_least: str
    range: str
    from_to: str
    more: str
    times: str
    once: str

    verified: str
    verified_all: str
    verified_all_text: str
    verified_text: str
    verified_key: str
    verified_own_key: str
    behind: tuple[str, str, str]
    """No entry behind the last checkpoint, one, several."""
    held: str
    unverified: str
    unverified_text: str
    unsigned: str
    unsigned_text: str

    glance: str
    glance_caption: str
    recognition: str
    permitted: str
    refused: str
    starting: str
    unrecorded: str
    tile_permitted: str
    tile_rules: str
    tile_opened: str
    tile_withdrawn: str

    articles: str
    articles_title: str
    articles_text: str
    articles_no_policy: str
    articles_profile: str
    picture_caption: str
    unmet_figure: str
    unmet_table: str
    unmet_head: tuple[str, ...]
    all_met: str
    all_met_text: str
    none_judged: str
    none_judged_text: str

    refusals: str
    refusals_title: str
    refusals_caption: str
    no_refusals: str
    evidence: str
    before_period: str

    ways: str
    ways_state: str
    ways_table: str
    ways_head: tuple[str, ...]
    ways_unknown: str
    used_table: str
    used_head: tuple[str, ...]
    used_caption: str
    pass_faults: str
    hours_title: str
    hours_says: str
    hours_caption: str
    no_decisions: str

    people: str
    people_terms: tuple[str, str, str, str]
    stock_title: str
    stock_says: str
    stock_caption: str
    stock_filing: str
    stock_dropped: str
    endings_table: str
    endings_head: tuple[str, ...]
    endings_caption: str
    no_endings: str
    erased_with_it: str
    erased_after: str

    versions: str
    versions_table: str
    versions_head: tuple[str, ...]
    no_starts: str
    policies_table: str
    policies_head: tuple[str, ...]
    no_policies: str
    at_hand: str
    not_at_hand: str
    policy_terms_title: str
    policy_terms: Mapping[str, str]

    ledger: str
    ledger_terms: Mapping[str, str]
    checkpoints_table: str
    checkpoints_head: tuple[str, ...]
    checkpoints_caption: str
    no_entries: str
    other_kinds: str
    other_kinds_text: str
    dropped: str
    undated: str
    steps_back: str

    limits: str
    limits_items: tuple[str, ...]
    foot: str

    met: Mapping[Met | None, str]
    """States of an obligation; None: nothing is recorded."""
    outcomes: Mapping[Outcome, str]
    faults: Mapping[str, str]
    """Why a pass was refused, by wire name."""
    reasons: Mapping[str, str]
    """Why somebody was erased, by wire name."""
    ways_names: Mapping[Way, str]
    places: Mapping[Place, str]
    purposes: Mapping[Purpose, str]
    modes: Mapping[Mode, str]
    profiles: Mapping[ProfileName, str]
    grounds: Mapping[Ground, str]
    """What is wrong."""
    obligations: Mapping[Ground, str]
    """What is met when the ground is absent."""
    provisions: Mapping[str, tuple[str, str]]
    """Provisions of profiles.py: where it stands, and what it asks for; one that is missing is shown as it is there."""

    def provision(self, text: str) -> tuple[str, str]:
        heading, _, asks = text.partition(": ")
        return self.provisions.get(text, (heading[:1].upper() + heading[1:], asks))
