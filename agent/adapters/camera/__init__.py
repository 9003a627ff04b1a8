"""Live cameras, each behind `ports.Camera`: a Pi's own, V4L2, and one of the network by way of a process of its own.

Rules: a camera that gives nothing in time says so, and never waits longer than it was told; whoever opens it opens it
again. Frames have the size of `fitting`, number and time of exposure, nothing else. Each kind is imported by its own
name, so that a device needs the libraries of its own camera alone.
"""
