-- Objects above key $1, at most $2, whose rows were written by a server that did not know
-- all columns, or not all that belongs in them.
SELECT p.key, o.mod_rv, o.value
FROM (
    SELECT key FROM %[1]s WHERE shape < %[2]d AND key > $1 ORDER BY key LIMIT $2
) p
CROSS JOIN LATERAL (
    SELECT mod_rv, objects.value FROM objects WHERE objects.key = p.key LIMIT 1
) o
ORDER BY p.key
