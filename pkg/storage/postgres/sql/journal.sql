-- Writes entries: $2 are the keys of their objects, then come an array of values for each
-- column, and %[6]s tells by $1 which of them are true.
INSERT INTO %[1]s AS j (%[2]s)
SELECT %[3]s
FROM unnest($2::text[], %[4]s) WITH ORDINALITY AS t (key, %[2]s, i)
WHERE %[6]s
ON CONFLICT (%[7]s) DO UPDATE SET %[5]s
