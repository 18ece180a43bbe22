-- list.sql as of revision $8: the objects that have not changed since, and, of the
-- keys that have, the undo image of their first change. Only the former may be
-- prefiltered, because projections hold the present.
SELECT m.rv, m.compact_rv, m.incomplete, m.total, o.key, o.mod_rv, o.value
FROM (
    SELECT (SELECT max(rv) FROM events) AS rv,
           (SELECT compact_rv FROM meta) AS compact_rv,
           EXISTS (SELECT FROM incomplete_projections WHERE name = $6) AS incomplete,
           CASE WHEN $4 THEN (
               SELECT count(*) FROM (
                   (SELECT key FROM objects WHERE key >= $1 AND key < $2 AND mod_rv <= $8 LIMIT $5)
                   UNION ALL
                   (SELECT key FROM events e WHERE key >= $1 AND key < $2 AND rv > $8 AND prev_rv BETWEEN 1 AND $8 LIMIT $5)
               ) c
           ) ELSE 0 END AS total
) m
LEFT JOIN LATERAL (
    SELECT key, mod_rv, CASE WHEN through - size < $7 THEN value END AS value
    FROM (
        SELECT key, mod_rv, value, size, sum(size) OVER w AS through, lag(size, 1, 0) OVER w AS before
        FROM (
            (SELECT o.key, o.mod_rv, o.value, octet_length(o.value) AS size
             FROM %[1]s o
             WHERE o.key >= $1 AND o.key < $2 AND o.mod_rv <= $8
             ORDER BY o.key LIMIT $3)
            UNION ALL
            (SELECT e.key, e.prev_rv, e.prev_value, octet_length(e.prev_value)
             FROM events e
             WHERE e.key >= $1 AND e.key < $2 AND e.rv > $8 AND e.prev_rv BETWEEN 1 AND $8
             ORDER BY e.key LIMIT $3)
            ORDER BY key LIMIT $3
        ) found
        WINDOW w AS (ORDER BY key ROWS UNBOUNDED PRECEDING)
    ) sized
    WHERE through - size - before < $7
) o ON true
