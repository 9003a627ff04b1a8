"""Cards and PINs as they come in: over a serial line, or handed on by the link."""

from agent.adapters.token.line import SerialTokens
from agent.adapters.token.slot import Slot

__all__ = ["SerialTokens", "Slot"]
