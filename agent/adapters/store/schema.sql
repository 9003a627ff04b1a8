-- The device's one file. Everything that must be true together is in here, so that one transaction can make it so.
CREATE TABLE about (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;

-- The ledger: positions without a gap, from where it begins (after what was dropped by right) to its right edge.
CREATE TABLE ledger (position INTEGER PRIMARY KEY CHECK (position >= 0), entry BLOB NOT NULL) STRICT;
CREATE TABLE frontier (one INTEGER PRIMARY KEY CHECK (one = 1), size INTEGER NOT NULL, peaks BLOB NOT NULL) STRICT;
CREATE TABLE ledger_begin (one INTEGER PRIMARY KEY CHECK (one = 1), size INTEGER NOT NULL, peaks BLOB NOT NULL) STRICT;
CREATE TABLE checkpoint (number INTEGER PRIMARY KEY, statement BLOB NOT NULL) STRICT;

-- Sealed events that nobody has acknowledged yet. AUTOINCREMENT: a number is never given twice, not even after its row
-- has gone.
CREATE TABLE outbox (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT, envelope BLOB NOT NULL, nonce BLOB NOT NULL
) STRICT;

-- The vault: one reference a person, sealed by gallery/vault.py; the columns are its associated data.
CREATE TABLE reference (
    subject TEXT PRIMARY KEY, consent_id TEXT NOT NULL, device TEXT NOT NULL, gallery TEXT NOT NULL,
    epoch INTEGER NOT NULL, model_sha256 TEXT NOT NULL, runtime TEXT NOT NULL, sealed BLOB NOT NULL,
    enrolled_s REAL, last_use_s REAL
) STRICT;
-- Who has withdrawn stays withdrawn: no older receipt brings a reference back. A mark names nobody; see marks.py.
CREATE TABLE tombstone (mark BLOB PRIMARY KEY, withdrawn_s REAL) STRICT, WITHOUT ROWID;
-- What opens the ledger's commitments of one person, and the last position that it opens. Destroyed with the person.
CREATE TABLE subject_salt (mark BLOB PRIMARY KEY, secret BLOB NOT NULL, last INTEGER NOT NULL) STRICT, WITHOUT ROWID;

-- Restrictions once seen; their absence from a later version of the repository lifts nothing.
-- A later document of the same path stands beside the earlier, so that who may narrow cannot take a narrowing back.
CREATE TABLE restriction (
    path TEXT NOT NULL, document BLOB NOT NULL, PRIMARY KEY (path, document)
) STRICT, WITHOUT ROWID;
CREATE TABLE pass_use (pass_id TEXT PRIMARY KEY, uses INTEGER NOT NULL) STRICT, WITHOUT ROWID;

INSERT INTO frontier VALUES (1, 0, x'');
INSERT INTO ledger_begin VALUES (1, 0, x'');
