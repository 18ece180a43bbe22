-- The newest revision, the newest one that is trimmed, and how long ago the oldest
-- change that is kept was made, in seconds.
SELECT (SELECT max(rv) FROM events),
       m.compact_rv,
       coalesce((SELECT extract(epoch FROM now() - e.at) FROM events e
                 WHERE e.rv > m.compact_rv AND e.op <> 'N' ORDER BY e.rv LIMIT 1), 0)::float8
FROM meta m
