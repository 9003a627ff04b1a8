"""A position receiver on a serial line: sentences (nmea.py), what is believed of them (receiver.py), the line."""

from agent.adapters.gnss.line import SerialLocator

__all__ = ["SerialLocator"]
