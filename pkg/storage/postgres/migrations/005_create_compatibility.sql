-- compatibility: one row. Programs that were built for schema version oldest, or for a
-- newer one, may use this schema, also when it is newer than they are. A migration that
-- is more than an addition sets it to its own number.
CREATE TABLE compatibility (
    oldest    int NOT NULL,
    singleton boolean PRIMARY KEY DEFAULT true CONSTRAINT compatibility_singleton CHECK (singleton)
);

INSERT INTO compatibility (oldest) VALUES (5);
