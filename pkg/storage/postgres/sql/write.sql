-- Applies one batch under the write lock, which an earlier statement of the same
-- transaction took: this one's snapshot is younger than the lock.
--
-- $1 ordinal, $2 op (P or D), $3 key, $4 expected mod_rv (0: must not exist),
-- $5 value, $6 claim, $7 seconds to live (null: for ever), $8 batch, $9 most bytes of current values returned,
-- $10 folder of the key, $11 how many objects of the folder may hold a claim (null: any number).
-- One row per operation. rv is null when it was refused: by the holder of its claim, by
-- its folder, which is full, or else because mod_rv is not the expected one.
WITH ops AS MATERIALIZED (
    SELECT *
    FROM unnest($1::int[], $2::text[], $3::text[], $4::bigint[], $5::bytea[], $6::bytea[], $7::float8[], $10::text[], $11::bigint[])
         AS t (i, op, key, expect, value, claim, ttl, folder, room)
),
base AS MATERIALIZED (
    SELECT max(rv) AS rv FROM events
),
cur AS MATERIALIZED (
    SELECT ops.*,
           coalesce(o.mod_rv, 0) AS mod_rv,
           o.create_rv,
           o.value AS cur_value,
           h.key AS holder,
           coalesce(o.mod_rv, 0) = ops.expect AND h.key IS NULL AS fits,
           (ops.claim IS NOT NULL)::int - coalesce(o.claims, 0) AS change
    FROM ops
    LEFT JOIN LATERAL (
        SELECT mod_rv, create_rv, objects.value, (objects.claim IS NOT NULL)::int AS claims
        FROM objects WHERE objects.key = ops.key LIMIT 1
    ) o ON true
    LEFT JOIN LATERAL (
        SELECT objects.key FROM objects WHERE objects.claim = ops.claim AND objects.key <> ops.key LIMIT 1
    ) h ON true
),
-- Claims that the batch gives up make no room in it: their folder may be one too empty
-- for a moment, never one too full.
crowded AS MATERIALIZED (
    SELECT i, greatest(held, room) AS held
    FROM (
        SELECT taker.i, taker.room, c.held,
               row_number() OVER (PARTITION BY taker.folder ORDER BY taker.i) AS place
        FROM (SELECT i, folder, room FROM cur WHERE fits AND change > 0 AND room IS NOT NULL) taker
        LEFT JOIN LATERAL (
            SELECT claim_counts.held FROM claim_counts WHERE claim_counts.folder = taker.folder LIMIT 1
        ) c ON true
    ) placed
    WHERE coalesce(held, 0) + place > room
),
ok AS MATERIALIZED (
    SELECT cur.*, base.rv + row_number() OVER (ORDER BY i) AS rv
    FROM cur, base
    WHERE cur.fits AND NOT EXISTS (SELECT FROM crowded WHERE crowded.i = cur.i)
),
logged AS (
    INSERT INTO events (rv, prev_rv, batch, op, key, prev_value)
    SELECT rv, mod_rv, $8::uuid, op::"char", key, cur_value FROM ok
),
stored AS (
    INSERT INTO objects (key, mod_rv, create_rv, expires_at, claim, value)
    SELECT key, rv, coalesce(create_rv, rv), now() + make_interval(secs => ttl), claim, value FROM ok WHERE op = 'P'
    ON CONFLICT (key) DO UPDATE
    SET mod_rv = excluded.mod_rv,
        expires_at = excluded.expires_at,
        claim = excluded.claim,
        value = excluded.value
),
removed AS (
    DELETE FROM objects WHERE key = ANY (ARRAY (SELECT key FROM ok WHERE op = 'D'))
),
counted AS (
    INSERT INTO claim_counts AS c (folder, held)
    SELECT folder, sum(change) FROM ok WHERE change <> 0 GROUP BY folder HAVING sum(change) <> 0
    ON CONFLICT (folder) DO UPDATE SET held = c.held + excluded.held
)
SELECT cur.i,
       ok.rv,
       cur.mod_rv,
       cur.holder,
       CASE WHEN cur.fits AND ok.i IS NULL THEN (SELECT held FROM crowded WHERE crowded.i = cur.i) END AS held,
       CASE WHEN NOT cur.fits AND cur.holder IS NULL
             AND sum(coalesce(octet_length(cur.cur_value), 0)) FILTER (WHERE NOT cur.fits) OVER (ORDER BY cur.i) <= $9::bigint
            THEN cur.cur_value END
FROM cur
LEFT JOIN ok USING (i)
ORDER BY cur.i
