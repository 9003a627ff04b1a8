"""Five errors, named by who must act.

Outcomes that are expected (a refusal, a stranger, a used pass) are values, not exceptions.
Every message names the file or source, the field, the rule, and what to do; never a person, a score or a pixel.
"""

from __future__ import annotations


class DoorwardError(Exception):
    """Base of the five; the command line prints its message as one line and exits with 2."""


class ConfigError(DoorwardError):
    """The installer must act: device config, scene file or arguments are wrong."""


class PolicyError(DoorwardError):
    """The authority must act: a signed document is missing, malformed, unsigned, rolled back or not for this device."""


class DeviceError(DoorwardError):
    """The hardware or a model file must be seen to: camera, position receiver, model bytes, disk."""


class VaultError(DoorwardError):
    """Keys or stored data do not fit together: nothing was overwritten, recognition stays off."""


class LinkError(DoorwardError):
    """The network must be seen to: broker, certificates, site repository."""
