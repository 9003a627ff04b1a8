"""Commands: each parses its arguments, calls one room, and prints one clear line when something is wrong."""
