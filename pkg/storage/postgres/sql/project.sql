-- Writes rows: $2 are their keys, $3 their shapes, then come an array of values for each
-- column, and %[6]s tells by $1 which of them are true. A column that this program does
-- not know keeps what it has, so the row tells its shape.
INSERT INTO %[1]s (key, shape, %[2]s)
SELECT key, shape, %[3]s
FROM unnest($2::text[], $3::smallint[], %[4]s) WITH ORDINALITY AS t (key, shape, %[2]s, i)
WHERE %[6]s
ON CONFLICT (key) DO UPDATE SET shape = excluded.shape, %[5]s
