-- The engine's three tables. Everything lives in the schema of the connection's
-- search_path; a cluster is a schema. Takes no lock on existing tables.

-- objects: the newest version of every object, one row per key.
CREATE TABLE objects (
    -- etcd-like path; byte order, because list order and continue tokens are bytes.
    key        text COLLATE "C" PRIMARY KEY,
    -- Not indexed, and the page keeps room, so that an update stays heap-only.
    mod_rv     bigint NOT NULL,
    create_rv  bigint NOT NULL,
    expires_at timestamptz,
    -- At most one object holds a claim. The write statement checks it as data;
    -- the unique index is a guard that never fires.
    claim      bytea,
    -- Exactly the bytes that the codec and the transformer made.
    value      bytea NOT NULL
) WITH (fillfactor = 75, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000);

CREATE UNIQUE INDEX objects_claim ON objects (claim) WHERE claim IS NOT NULL;
CREATE INDEX objects_expires_at ON objects (expires_at) WHERE expires_at IS NOT NULL;

-- events: one row per revision, gapless. prev_value is the undo image: the object
-- before the event. The object after it is the undo image of its key's next event,
-- or, without one, objects.value.
CREATE TABLE events (
    rv         bigint PRIMARY KEY,
    -- 0 when the key did not exist.
    prev_rv    bigint NOT NULL,
    at         timestamptz NOT NULL DEFAULT now(),
    -- Names the batch, so that a writer that lost its connection can ask what became of it.
    batch      uuid NOT NULL,
    -- P: put, D: deleted, N: no object concerned (compaction, jump of the counter).
    op         "char" NOT NULL CONSTRAINT events_op CHECK (op IN ('P', 'D', 'N')),
    key        text COLLATE "C" NOT NULL,
    prev_value bytea
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 50000,
        autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 50000,
        vacuum_truncate = off);

CREATE INDEX events_key_rv ON events (key, rv);

-- Revision 1 is the empty store, as in etcd. The newest row is never trimmed.
INSERT INTO events (rv, prev_rv, batch, op, key)
VALUES (1, 0, '00000000-0000-0000-0000-000000000000', 'N', '');

-- meta: one row. Revisions below compact_rv can no longer be read. The other two
-- columns name the database whose revisions these are: a promotion or a restore
-- changes them.
CREATE TABLE meta (
    compact_rv        bigint NOT NULL,
    system_identifier bigint,
    timeline          text,
    singleton         boolean PRIMARY KEY DEFAULT true CONSTRAINT meta_singleton CHECK (singleton)
);

INSERT INTO meta (compact_rv) VALUES (0);
