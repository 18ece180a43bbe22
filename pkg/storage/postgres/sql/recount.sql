-- Counts the claims of folder $1 again, under the write lock; its keys are in [$2, $3).
INSERT INTO claim_counts (folder, held)
SELECT $1, count(*)
FROM objects
WHERE key >= $2 AND key < $3 AND claim IS NOT NULL AND strpos(substr(key, length($2) + 1), '/') = 0
ON CONFLICT (folder) DO UPDATE SET held = excluded.held
