-- Deletes a step of the events that are no longer readable; never the newest.
DELETE FROM events
WHERE rv = ANY (ARRAY (
    SELECT rv FROM events
    WHERE rv <= (SELECT compact_rv FROM meta) AND rv < (SELECT max(rv) FROM events)
    ORDER BY rv LIMIT $1
))
