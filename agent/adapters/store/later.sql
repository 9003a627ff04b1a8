-- Tables that came after the form of the store was fixed: made where they are missing, read by nobody who does not know
-- them. The rest is in schema.sql.

-- What wrong tokens and failed attempts have used up of late: how many by each way, and of each person (enciphered by
-- hidden.py); no token, and no time.
CREATE TABLE IF NOT EXISTS spent_way (way TEXT PRIMARY KEY, times INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS spent_person (subject BLOB PRIMARY KEY, times INTEGER NOT NULL) STRICT, WITHOUT ROWID;
