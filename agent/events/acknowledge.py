"""The consumer's word that it holds an event, as a message on MQTT.

The nonce is from inside the sealed event, so only who opened it can say this. Imports the standard library alone: the
link process reads these.
"""

from __future__ import annotations

import json
import re

from agent.errors import LinkError
from agent.events.wire import NONCE_BYTES, Acknowledgement


def acknowledgement(sequence: int, nonce: bytes) -> bytes:
    """The message that a consumer publishes on the acknowledge topic."""
    return json.dumps({"nonce": nonce.hex(), "sequence": sequence}, sort_keys=True, separators=(",", ":")).encode()


def read_acknowledgement(payload: bytes) -> Acknowledgement:
    """Parse what came on the acknowledge topic.

    Raises:
        LinkError: it is not exactly a sequence and a nonce.
    """
    try:
        found = json.loads(payload) if len(payload) <= 200 else None
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict) or found.keys() != {"sequence", "nonce"}:
        raise LinkError("events/ack: not an acknowledgement; a consumer sends sequence and nonce")
    sequence, nonce = found["sequence"], found["nonce"]
    if type(sequence) is not int or not 0 < sequence < 2**63:
        raise LinkError("events/ack: sequence: not a positive whole number")
    if not isinstance(nonce, str) or not re.fullmatch(rf"[0-9a-f]{{{2 * NONCE_BYTES}}}", nonce):
        raise LinkError(f"events/ack: nonce: not {NONCE_BYTES} bytes in lower-case hex")
    return Acknowledgement(sequence, bytes.fromhex(nonce))
