-- The objects at keys $1 by their place there, and the newest revision, in one snapshot.
SELECT k.i::int, m.rv, o.mod_rv, o.value
FROM (SELECT max(rv) AS rv FROM events) m
CROSS JOIN unnest($1::text[]) WITH ORDINALITY AS k (key, i)
LEFT JOIN LATERAL (
    SELECT mod_rv, objects.value FROM objects WHERE objects.key = k.key LIMIT 1
) o ON true
