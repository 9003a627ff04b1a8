"""The demo: owns broker, site, private keys and ground truth, and judges what the agent did."""
