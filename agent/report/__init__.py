"""The report for auditors: facts out of verified ledgers, words and pictures for them, and the bundle of evidence."""
