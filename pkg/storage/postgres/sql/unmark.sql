-- Removes the mark of projection $1, under the write lock: at revision $4 every object
-- of the keys in [$2, $3) had a row, and so has every one that changed since. That
-- cannot be told when history since then is gone. Materialized, so that only the events
-- since then are read, by their revision.
WITH changed AS MATERIALIZED (
    SELECT key FROM events WHERE rv > $4
)
DELETE FROM incomplete_projections
WHERE name = $1
  AND (SELECT compact_rv FROM meta) <= $4
  AND NOT EXISTS (
      SELECT FROM changed e
      WHERE e.key >= $2 AND e.key < $3
        AND EXISTS (SELECT FROM objects o WHERE o.key = e.key)
        AND NOT EXISTS (SELECT FROM %[1]s p WHERE p.key = e.key)
  )
