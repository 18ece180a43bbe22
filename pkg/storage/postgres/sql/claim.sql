-- The key of the object that holds a claim.
SELECT key FROM objects WHERE claim = $1
