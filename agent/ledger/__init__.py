"""The tamper-evident log: entries, Merkle tree, checkpoints, offline verifier. Pure: bytes in, verdicts out."""
