-- Writes the rows of those operations of batch $1 that were applied: their key's newest
-- event is the batch's. $2 are the keys, then come an array of values for each column. A
-- column that this program does not know keeps what it has, so the row tells its shape.
INSERT INTO %[1]s (key, shape, %[2]s)
SELECT key, %[6]d, %[3]s
FROM unnest($2::text[], %[4]s) AS t (key, %[2]s)
WHERE (SELECT e.batch FROM events e WHERE e.key = t.key ORDER BY e.rv DESC LIMIT 1) = $1
ON CONFLICT (key) DO UPDATE SET shape = excluded.shape, %[5]s
