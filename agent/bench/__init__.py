"""How fast the agent is on this machine: the whole of it, beside the bare models and what others use."""
