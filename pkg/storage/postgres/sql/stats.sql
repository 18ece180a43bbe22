-- How many objects have keys in [$1, $2), by the index alone, and how many bytes they have
-- on average: of the first that are found, at most $3, because reading all of them would
-- be reading all of the table.
SELECT count(*), (
    SELECT coalesce(floor(avg(size)), 0)::bigint
    FROM (SELECT octet_length(value) AS size FROM objects WHERE key >= $1 AND key < $2 LIMIT $3) s
)
FROM objects
WHERE key >= $1 AND key < $2
