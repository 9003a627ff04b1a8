"""What every scenario runs with: the shipped models, loaded once."""

from __future__ import annotations

import pytest

from agent.adapters.litert import LoadedModel, load_models
from tests.scenarios.player import MODELS


@pytest.fixture(scope="session")
def models() -> tuple[LoadedModel, LoadedModel]:
    return load_models(MODELS, threads=2)
