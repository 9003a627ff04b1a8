"""The people who agreed: consent, references, the vault, identification, and passes for those who did not."""
