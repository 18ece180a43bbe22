-- Forgets folder $1 if nobody holds a claim in it, under the write lock.
DELETE FROM claim_counts WHERE folder = $1 AND held = 0
