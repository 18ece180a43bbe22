-- The events above $1, at most $2 and about $3 bytes of objects, each with the object
-- before and after it, and the number of events before the bytes were counted.
-- The object after an event is the undo image of its key's next event, or, when
-- there is none, the stored one: objects alone may already hold a newer version.
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
            SELECT * FROM events WHERE rv > $1 ORDER BY rv LIMIT $2
        ) e
        LEFT JOIN LATERAL (
            SELECT prev_value FROM events WHERE events.key = e.key AND events.rv > e.rv ORDER BY rv LIMIT 1
        ) n ON e.op = 'P'
        LEFT JOIN LATERAL (
            SELECT value FROM objects WHERE objects.key = e.key LIMIT 1
        ) o ON e.op = 'P'
    ) image
) sized
WHERE coalesce(before, 0) < $3
ORDER BY rv
