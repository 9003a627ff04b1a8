"""Parts of `scripts/prove people`."""
