-- Issues of state $1 whose deadline is not after $2, in its order after the one with
-- deadline $3 and key $4, at most $5.
SELECT key, deadline
FROM issues
WHERE state = $1 AND deadline <= $2 AND (deadline, key) > ($3, $4)
ORDER BY deadline, key
LIMIT $5
