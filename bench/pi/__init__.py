"""The cameras' adapters on the real picamera2 and the real V4L2, in a guest of its own: `guest.proven`."""
