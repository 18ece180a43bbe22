-- The events above $1, at most $2, each with the object before and after it.
-- The object after an event is the undo image of its key's next event, or, when
-- there is none, the stored one: objects alone may already hold a newer version.
SELECT e.rv, e.op::text, e.key, e.prev_rv, e.prev_value,
       CASE WHEN e.op = 'P' THEN coalesce(n.prev_value, o.value) END
FROM (SELECT * FROM events WHERE rv > $1 ORDER BY rv LIMIT $2) e
LEFT JOIN LATERAL (
    SELECT prev_value FROM events WHERE events.key = e.key AND events.rv > e.rv ORDER BY rv LIMIT 1
) n ON e.op = 'P'
LEFT JOIN LATERAL (
    SELECT value FROM objects WHERE objects.key = e.key LIMIT 1
) o ON e.op = 'P'
ORDER BY e.rv
