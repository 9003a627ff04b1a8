"""A device config out of an example: the answers stand where they belong, and nothing of a desktop is taken over."""

from __future__ import annotations

import tomllib

from agent.app.skeleton import INSTALLED, filled

EXAMPLE = """# An example.
[device]
id = "x"                # of the device
insecure_dev = true
[camera]
kind = "recording"
# host = "not this one"
[broker]
host = "x"
port = 1883
websocket = "ws://127.0.0.1:9001"

[[broker.fallback]]
host = "second"
port = 1
"""


def test_the_answers_stand_where_they_belong() -> None:
    answers = {("device", "id"): "gate-1", ("broker", "host"): 'a"b\\c', ("broker", "port"): 8883, **INSTALLED}
    made = tomllib.loads(filled(EXAMPLE, answers))
    assert made["device"] == {"id": "gate-1", "state": "/var/lib/doorward"}
    assert made["broker"] == {"host": 'a"b\\c', "port": 8883, "fallback": [{"host": "second", "port": 1}]}
    assert made["models"] == {"directory": "/opt/doorward/current/models"}
    assert made["camera"] == {"kind": "recording"}


def test_a_table_that_is_missing_is_added_once() -> None:
    text = filled(EXAMPLE, {("broker.tls", "ca"): "ca.pem", ("broker.tls", "key"): "key.pem"})
    assert text.count("[broker.tls]") == 1
    assert tomllib.loads(text)["broker"]["tls"] == {"ca": "ca.pem", "key": "key.pem"}


def test_a_table_s_own_comment_does_not_hide_it() -> None:
    example = '[broker.tls]  # without `ca` [and so on]\nca = "x"\n'
    assert filled(example, {("broker.tls", "ca"): "ca.pem"}) == example.replace('"x"', '"ca.pem"')


def test_the_example_s_words_stay() -> None:
    text = filled(EXAMPLE, {})
    assert text.startswith("# An example.\n") and '# host = "not this one"' in text


def test_the_way_to_a_tpm_is_kept_where_the_keys_are_in_one() -> None:
    example = '[keys]\nbackend = "tpm2"\ntcti = "device:/dev/tpmrm0"\n'
    assert filled(example, {}) == example
    assert filled(example, {("keys", "backend"): "tpm2"}) == example
    assert filled(example, {("keys", "backend"): "systemd-credentials"}) == '[keys]\nbackend = "systemd-credentials"\n'
