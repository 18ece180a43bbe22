-- Notes that the users $3 reported in the namespaces $1 with the UIDs $2 at the times $4.
INSERT INTO issue_producers AS p (namespace, namespace_uid, name, last_report)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[])
ON CONFLICT (namespace, name) DO UPDATE
SET last_report = greatest(p.last_report, excluded.last_report), namespace_uid = excluded.namespace_uid
