"""What leaves the recogniser: decisions, sealed events, signed telemetry, and the closed schemas of both."""
