"""Doorward: a gate camera agent that recognises only who agreed, only where, when and for what a signed policy allows."""

__version__ = "0.1.0"
