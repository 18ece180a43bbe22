-- The newest revision, compact_rv, and for how long a feed that has read up to $1 has
-- been behind, by the clock that dated the events.
SELECT (SELECT max(rv) FROM events),
       (SELECT compact_rv FROM meta),
       coalesce((SELECT extract(epoch FROM clock_timestamp() - at) FROM events WHERE rv > $1 ORDER BY rv LIMIT 1), 0)::float8
