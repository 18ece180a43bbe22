-- A page of the newest objects of the keys in [$1, $2), at most $3 and about $7 bytes of
-- values; $4: with the number of objects in the range, counted up to $5. Every row
-- repeats the revision of the snapshot, so that an empty page tells it, too, and whether
-- projection $6 lacks rows: then a page that joined it lacks objects. A last row
-- without its value says that the bytes ended the page. The rows are the first ones in
-- key order, but nothing sorts them again on their way out: that would cost a sort of
-- the values.
SELECT m.rv, m.compact_rv, m.incomplete, m.total, o.key, o.mod_rv, o.value
FROM (
    SELECT (SELECT max(rv) FROM events) AS rv,
           (SELECT compact_rv FROM meta) AS compact_rv,
           EXISTS (SELECT FROM incomplete_projections WHERE name = $6) AS incomplete,
           CASE WHEN $4 THEN (
               SELECT count(*) FROM (SELECT FROM objects WHERE key >= $1 AND key < $2 LIMIT $5) c
           ) ELSE 0 END AS total
) m
LEFT JOIN LATERAL (
    SELECT key, mod_rv, CASE WHEN through - size < $7 THEN value END AS value
    FROM (
        SELECT key, mod_rv, value, size, sum(size) OVER w AS through, lag(size, 1, 0) OVER w AS before
        FROM (
            SELECT o.key, o.mod_rv, o.value, octet_length(o.value) AS size
            FROM %[1]s o
            WHERE o.key >= $1 AND o.key < $2
            ORDER BY o.key LIMIT $3
        ) found
        WINDOW w AS (ORDER BY key ROWS UNBOUNDED PRECEDING)
    ) sized
    WHERE through - size - before < $7
) o ON true
