"""All IO, one third-party library a file. Adapters implement ports and never import one another."""
