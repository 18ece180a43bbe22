INSERT INTO %[1]s (key, %[2]s)
SELECT key, %[3]s
FROM unnest($2::text[], %[4]s) AS t (key, %[2]s)
WHERE (SELECT e.batch FROM events e WHERE e.key = t.key ORDER BY e.rv DESC LIMIT 1) = $1
ON CONFLICT (key) DO UPDATE SET %[5]s
