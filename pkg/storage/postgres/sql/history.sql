-- The events of the keys in [$1, $2) with a revision in ($3, $4], at most $5 and about
-- $6 bytes, as tail.sql gives them, for a watch that starts or has fallen behind what
-- is in memory.
SELECT rv, op, key, prev_rv, prev_value, value, found
FROM (
    SELECT image.*,
           count(*) OVER () AS found,
           sum(coalesce(octet_length(prev_value), 0) + coalesce(octet_length(value), 0))
               OVER (ORDER BY rv ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before
    FROM (
        SELECT e.rv, e.op::text AS op, e.key, e.prev_rv, e.prev_value,
               CASE WHEN e.op = 'P' THEN coalesce(n.prev_value, o.value) END AS value
        FROM (
            SELECT * FROM events
            WHERE key >= $1 AND key < $2 AND rv > $3 AND rv <= $4
            ORDER BY rv LIMIT $5
        ) e
        LEFT JOIN LATERAL (
            SELECT prev_value FROM events WHERE events.key = e.key AND events.rv > e.rv ORDER BY rv LIMIT 1
        ) n ON e.op = 'P'
        LEFT JOIN LATERAL (
            SELECT value FROM objects WHERE objects.key = e.key LIMIT 1
        ) o ON e.op = 'P'
    ) image
) sized
WHERE coalesce(before, 0) < $6
ORDER BY rv
