-- The newest revision that may be trimmed among the next $2 events: older than $1
-- seconds by the database's clock, which dated them,
-- and not the newest of all. Null while nothing but compactions has happened.
SELECT max(rv) FILTER (WHERE at < now() - make_interval(secs => $1) AND rv < (SELECT max(rv) FROM events)),
       coalesce(bool_or(op <> 'N') FILTER (WHERE at < now() - make_interval(secs => $1)), false)
FROM (SELECT rv, at, op FROM events WHERE rv > (SELECT compact_rv FROM meta) ORDER BY rv LIMIT $2) e
