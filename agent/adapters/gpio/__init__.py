"""The pins of a Raspberry Pi through gpiozero: a relay for the door, contacts beside it, a camera's filter.

gpiozero and lgpio are the optional extra `pi`, and are imported when a pin is opened and not before.
"""

from agent.adapters.gpio.contacts import PinContacts
from agent.adapters.gpio.filter import PinFilter
from agent.adapters.gpio.pins import pins
from agent.adapters.gpio.relay import Relay

__all__ = ["PinContacts", "PinFilter", "Relay", "pins"]
