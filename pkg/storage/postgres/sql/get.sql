-- One object, and the newest revision, in one snapshot.
SELECT m.rv, o.mod_rv, o.value
FROM (SELECT max(rv) AS rv FROM events) m
LEFT JOIN objects o ON o.key = $1
