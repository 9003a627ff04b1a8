"""What `scripts/prove pi` is made of: a board's Debian, emulated, and a guest with the cameras' real software."""
