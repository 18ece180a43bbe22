-- Folders, at most $1, whose number of claims is wrong, or nothing to remember. One
-- snapshot has both numbers, and every writer of this version changes both at once.
SELECT folder
FROM (
    SELECT left(key, -strpos(reverse(key), '/')) AS folder, count(*) AS held
    FROM objects WHERE claim IS NOT NULL GROUP BY 1
) o
FULL JOIN claim_counts c USING (folder)
WHERE o.held IS DISTINCT FROM c.held
LIMIT $1
