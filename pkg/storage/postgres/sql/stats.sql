SELECT count(*), coalesce(sum(octet_length(value)), 0)::bigint FROM objects WHERE key >= $1 AND key < $2
