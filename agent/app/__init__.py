"""Composition: the two processes and the device config that shapes them."""
