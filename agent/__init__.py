"""Doorward, a gate camera agent: it recognises only who agreed, only where, when and for what a policy allows."""

__version__ = "0.1.0"
