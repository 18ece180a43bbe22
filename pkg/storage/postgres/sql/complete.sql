-- The newest revision, and whether projection $1 is marked as incomplete although every
-- object of the keys in [$2, $3) has a row.
SELECT (SELECT max(rv) FROM events),
       CASE WHEN EXISTS (SELECT FROM incomplete_projections WHERE name = $1) THEN NOT EXISTS (
           SELECT FROM objects o
           WHERE o.key >= $2 AND o.key < $3 AND NOT EXISTS (SELECT FROM %[1]s p WHERE p.key = o.key)
       ) ELSE false END
