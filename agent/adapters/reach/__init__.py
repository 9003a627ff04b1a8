"""How far one gets on the way to a server: its name, its port, its TLS, and the dates of certificates."""

from agent.adapters.reach.certificate import Certificate, day, read_pem
from agent.adapters.reach.way import Failed, Fault, Secured, addresses_of, port_open, secured

__all__ = ["Certificate", "Failed", "Fault", "Secured", "addresses_of", "day", "port_open", "read_pem", "secured"]
