-- The device's one file. Everything that must be true together is in here, so that one transaction can make it so.
CREATE TABLE about (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;

-- The ledger: positions without a gap, from where it begins (after what was dropped by right) to its right edge.
CREATE TABLE ledger (position INTEGER PRIMARY KEY CHECK (position >= 0), entry BLOB NOT NULL) STRICT;
CREATE TABLE frontier (one INTEGER PRIMARY KEY CHECK (one = 1), size INTEGER NOT NULL, peaks BLOB NOT NULL) STRICT;
CREATE TABLE ledger_begin (one INTEGER PRIMARY KEY CHECK (one = 1), size INTEGER NOT NULL, peaks BLOB NOT NULL) STRICT;
CREATE TABLE checkpoint (number INTEGER PRIMARY KEY, statement BLOB NOT NULL) STRICT;

-- Sealed events that nobody has acknowledged yet. AUTOINCREMENT: a number is never given twice, not even after its row
-- has gone. The parts of each: as it is published, in base64, it would be twice as large.
CREATE TABLE outbox (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT, not_after_ms INTEGER NOT NULL, door TEXT NOT NULL, outcome TEXT,
    sealed BLOB NOT NULL, nonce BLOB NOT NULL, signature BLOB NOT NULL
) STRICT;

-- The vault: one reference a person, sealed by gallery/vault.py; the columns are its associated data, the pseudonym
-- enciphered by hidden.py.
CREATE TABLE reference (
    subject BLOB PRIMARY KEY, consent_id TEXT NOT NULL, device TEXT NOT NULL, gallery TEXT NOT NULL,
    rotation INTEGER NOT NULL, model_sha256 TEXT NOT NULL, runtime TEXT NOT NULL, sealed BLOB NOT NULL,
    enrolled_s REAL, last_use_s REAL
) STRICT;
-- Each person's data key, wrapped by the secret of an epoch: apart from the rows, so that a new epoch writes little.
CREATE TABLE data_key (
    subject BLOB PRIMARY KEY, epoch INTEGER NOT NULL, wrapped BLOB NOT NULL
) STRICT, WITHOUT ROWID;
-- Who has withdrawn stays withdrawn: no older receipt brings a reference back. A mark names nobody; see marks.py.
CREATE TABLE tombstone (mark BLOB PRIMARY KEY, withdrawn_s REAL) STRICT, WITHOUT ROWID;
-- What opens the ledger's commitments of one person, and the last position that it opens. Destroyed with the person.
CREATE TABLE subject_salt (mark BLOB PRIMARY KEY, secret BLOB NOT NULL, last INTEGER NOT NULL) STRICT, WITHOUT ROWID;
-- From which consents somebody was enrolled, as marks under the ledger's key: a sealed enrolment is taken once, and not
-- again after erasure. Who signed it and on which day (since 1970, UTC), for the key's limit; null at the device itself.
CREATE TABLE taken (mark BLOB PRIMARY KEY, issuer TEXT, day INTEGER) STRICT, WITHOUT ROWID;

-- Restrictions once seen; their absence from a later version of the repository lifts nothing.
-- A later document of the same path stands beside the earlier, so that who may narrow cannot take a narrowing back.
CREATE TABLE restriction (
    path TEXT NOT NULL, document BLOB NOT NULL, PRIMARY KEY (path, document)
) STRICT, WITHOUT ROWID;

-- What is used up of the passes: openings of each, the newest code of a phone's, and openings of each pass key on a day.
CREATE TABLE pass_use (pass_id TEXT PRIMARY KEY, uses INTEGER NOT NULL, code INTEGER) STRICT, WITHOUT ROWID;
CREATE TABLE pass_day (
    key TEXT NOT NULL, day INTEGER NOT NULL, uses INTEGER NOT NULL, PRIMARY KEY (key, day)
) STRICT, WITHOUT ROWID;

INSERT INTO frontier VALUES (1, 0, x'');
INSERT INTO ledger_begin VALUES (1, 0, x'');
