-- Deletes the rows of those operations of batch $1, with the keys $2, that were applied.
DELETE FROM %[1]s
WHERE key = ANY (ARRAY (
    SELECT t.key
    FROM unnest($2::text[]) AS t (key)
    WHERE (SELECT e.batch FROM events e WHERE e.key = t.key ORDER BY e.rv DESC LIMIT 1) = $1
))
