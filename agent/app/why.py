"""Why recognition is permitted or refused, here and now: each obligation, with its state.

A running device is asked through its own page for what its recogniser last signed; of a stopped one, everything is
judged that does not take the camera. Leaves out: words and colours (the command).
"""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from agent.adapters.clock import utc_offset_s
from agent.adapters.litert import held, load_models
from agent.app.alternative import self_test
from agent.app.config import DeviceConfig
from agent.app.pad import open_pad
from agent.app.stopped import open_law
from agent.crypto import SignPublic
from agent.errors import ConfigError, DeviceError, LinkError
from agent.events.bodies import Met
from agent.events.telemetry import ComplianceMessage, read_telemetry
from agent.events.wire import Kind
from agent.introduction import DeviceDocument
from agent.policy.circumstances import Circumstances, LoadedModels, Surroundings
from agent.policy.document import read
from agent.policy.fields import ProfileName
from agent.policy.grounds import Ground
from agent.policy.location import moved
from agent.policy.profiles import PROFILES, Profile
from agent.policy.proof import ends_s, soon
from agent.policy.rules import OBLIGATIONS, answer

_TIMEOUT_S: Final = 2.0
_BODY_MAX: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Findings:
    """What stands, and where that is from."""

    states: Mapping[Ground, Met]
    until_s: Mapping[Ground, float]
    """When what is met ends, where it ends at all (Unix seconds)."""
    profile: Profile
    """The policy's, or the default one while a running device has no policy."""
    source: str


def findings(config: DeviceConfig, report: Callable[[str], None]) -> Findings:
    """Ask the running device, or judge the stopped one.

    Raises:
        ConfigError: it runs and its page cannot be asked.
        LinkError: the page tells something that the device did not sign.
        PolicyError, VaultError, DeviceError: a stopped device cannot be opened.
    """
    return _running(config) or _stopped(config, report)


def _running(config: DeviceConfig) -> Findings | None:
    if config.page.port == 0:
        return None
    url = f"http://127.0.0.1:{config.page.port}/page.json"
    try:
        with urllib.request.urlopen(url, timeout=_TIMEOUT_S) as answered:
            facts = json.loads(answered.read(_BODY_MAX))
        retained = facts["retained"]
        if not facts["recogniser"] or Kind.COMPLIANCE.value not in retained:
            return None
        payload = str(retained[Kind.COMPLIANCE.value]).encode()
    except (urllib.error.URLError, OSError, ValueError, KeyError, TypeError):
        return None
    message = read_telemetry(Kind.COMPLIANCE, payload, _device_key(config.state / "device.json"))
    if not isinstance(message, ComplianceMessage) or (message.site, message.device) != (
        config.site.name, config.device.id
    ):  # fmt: skip
        raise LinkError(f"{url}: tells of another device; look at page.port")
    body = message.body
    profile = PROFILES[body.profile or ProfileName.STRICT]
    return Findings(
        {each.ground: each.state for each in body.obligations},
        {each.ground: each.until_s for each in body.obligations if each.until_s is not None},
        profile,
        f"the running device, {url}",
    )


def _device_key(path: Path) -> SignPublic:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}; it holds the key that the device signs with") from None
    return SignPublic(bytes.fromhex(read(data, DeviceDocument, str(path)).signing_key))


def _stopped(config: DeviceConfig, report: Callable[[str], None]) -> Findings:
    with open_law(config, report) as (_, store, standing, now_s):
        law = standing.law
        assert law is not None
        timezone = law.policy.document.timezone
        models: LoadedModels | None = None
        try:
            folder = config.path(config.models.directory)
            models = held(*load_models(folder), open_pad(folder, report))
        except DeviceError as error:
            report(str(error))
        around = Surroundings(
            unix_s=now_s,
            lease_until_s=standing.lease_until_s,
            fix=None,
            models=models,
            keys_sealed=True,
            ledger_writable=store.writable(),
            stopped=standing.stopped(now_s),
            moved=moved(law.policy.document.location, None, 0),
            stock=standing.stock,
            crossed_s=standing.crossed_s,
            utc_offset_s=None if timezone is None or now_s is None else utc_offset_s(timezone, now_s),
            models_work=None if models is None else True,  # they were loaded just now, and no frame has been seen
            codes_read=self_test(report).alive(0.0),
        )
        here, states, ends = Circumstances(0, around, None), dict[Ground, Met](), dict[Ground, float]()
        for each in OBLIGATIONS:
            said = answer(each.rule, law, here)
            met = Met.MET if said is True else Met.UNKNOWN if said is None else Met.UNMET
            states[each.ground] = met if law.binds(each.ground) else Met.NOT_BINDING
            if now_s is None or states[each.ground] is not Met.MET:
                continue
            until_s = ends_s(each.ground, law, now_s, standing.stock, standing.crossed_s)
            if until_s is not None:
                ends[each.ground] = until_s
                states[each.ground] = Met.EXPIRING if soon(until_s, now_s) else Met.MET
        profile = PROFILES[law.policy.document.profile]
        return Findings(states, ends, profile, "the stopped device; the camera was not opened")
