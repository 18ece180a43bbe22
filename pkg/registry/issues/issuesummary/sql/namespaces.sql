-- The namespaces that have, or had, issues, by the keys $1 of their folders: in order,
-- after $2, at most $3.
SELECT substr(folder, length($1) + 1)
FROM claim_counts
WHERE folder >= $1 AND folder < left($1, -1) || '0' AND folder || '/' > $2
ORDER BY folder || '/' COLLATE "C" LIMIT $3
