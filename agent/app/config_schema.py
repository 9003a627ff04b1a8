"""The JSON Schema of the device config, made from the types that read it: for editors, which then complete and explain.

It says what one key may be. What keys say together (plain keys and `insecure_dev`, a pin that is named twice), and
whether files are there, only `doorward check` knows.
"""

from __future__ import annotations

import json
from typing import Any

from agent.app.config import DeviceConfig


def schema() -> dict[str, Any]:
    """JSON Schema, 2020-12."""
    made = DeviceConfig.model_json_schema()
    made["properties"].pop("base")  # no key of the file
    made["required"].remove("base")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **made,
        "title": "Doorward device config",
        "description": "What an installer may choose. Nothing in it can turn a refusal into a permit.",
    }


def text() -> str:
    return json.dumps(schema(), indent=2, sort_keys=True) + "\n"
