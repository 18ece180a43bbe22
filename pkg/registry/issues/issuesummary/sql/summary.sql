-- The numbers of the namespaces $1 with the UIDs $2, as rows (namespace, what, label,
-- opened, resolved, n, total): one for each number that is not 0. History is kept by an
-- empty UID, too, while the UID is not known. $3 is now. Days begin at $4, weeks at $6;
-- what is opened and resolved is counted by day since $5, a Monday not after $4, and by
-- week before. The keys of their issues lie in [$7, $8). The first row says whether the
-- table of issues lacks rows: then nothing here is right.
WITH asked AS MATERIALIZED (
    SELECT * FROM unnest($1::text[], $2::text[]) AS a (namespace, uid)
), active AS MATERIALIZED (
    SELECT namespace, severity, type, application, component, opened_at
    FROM issues
    WHERE state = 'Active' AND key >= $7 AND key < $8 AND namespace = ANY ($1)
)
SELECT NULL AS namespace, CASE WHEN EXISTS (SELECT FROM incomplete_projections WHERE name = 'issues')
    THEN 'incomplete' ELSE 'complete' END AS what, '' AS label, NULL::timestamptz AS opened, NULL::timestamptz AS resolved, 0::bigint AS n, 0::float8 AS total
UNION ALL
SELECT namespace,
       CASE grouping(severity, type, application, component)
           WHEN 7 THEN 'severity' WHEN 11 THEN 'type' WHEN 13 THEN 'application' WHEN 14 THEN 'component' ELSE 'active'
       END,
       coalesce(severity, type, application, component, ''), NULL, NULL, count(*), 0
FROM active
GROUP BY GROUPING SETS ((namespace), (namespace, severity), (namespace, type), (namespace, application), (namespace, component))
UNION ALL
SELECT namespace, 'opened', '',
       CASE WHEN opened_at >= $5 THEN date_bin('1 day', opened_at, '2001-01-01Z')
           ELSE date_bin('7 days', opened_at, '2001-01-01Z') END AS opened, NULL, count(*), 0
FROM active WHERE opened_at >= $6 GROUP BY namespace, opened
UNION ALL
SELECT asked.namespace, history.*
FROM asked CROSS JOIN LATERAL (
    -- One namespace at a time: its history is read once, by an index alone, and is so
    -- small that nothing has to be sorted on disk.
    WITH ended AS MATERIALIZED (
        SELECT opened_at, resolved_at, date_part('epoch', resolved_at - opened_at) AS took
        FROM issue_episodes e
        WHERE e.namespace = asked.namespace AND e.namespace_uid IN (asked.uid, '') AND e.resolved_at >= $6
    )
    SELECT 'ended', '',
           CASE WHEN opened_at >= $5 THEN date_bin('1 day', opened_at, '2001-01-01Z')
               ELSE date_bin('7 days', opened_at, '2001-01-01Z') END AS opened,
           CASE WHEN resolved_at >= $5 THEN date_bin('1 day', resolved_at, '2001-01-01Z')
               ELSE date_bin('7 days', resolved_at, '2001-01-01Z') END AS resolved, count(*), 0
    FROM ended GROUP BY opened, resolved
    UNION ALL
    SELECT number.what, '', NULL, NULL, number.n, number.total
    FROM (
        SELECT count(*) AS n, count(*) FILTER (WHERE resolved_at > $3::timestamptz - interval '24 hours') AS last_day,
               sum(took) AS total, percentile_disc(0.9) WITHIN GROUP (ORDER BY took) AS p90
        FROM ended WHERE resolved_at >= $4 HAVING count(*) > 0
    ) lately CROSS JOIN LATERAL (VALUES ('lastDay', last_day, 0), ('mean', n, total), ('p90', 0, p90)) AS number (what, n, total)
) history
UNION ALL
SELECT namespace, 'reopened', name, NULL, NULL, reopened, 0
FROM (
    SELECT namespace, name, reopened, row_number() OVER (PARTITION BY namespace ORDER BY reopened DESC, key) AS place
    FROM issues
    WHERE reopened > 0 AND key >= $7 AND key < $8 AND namespace = ANY ($1)
) r
WHERE place <= 10
UNION ALL
SELECT namespace, 'producer', name, NULL, last_report, 0, 0
FROM (
    SELECT namespace, name, last_report, row_number() OVER (PARTITION BY namespace ORDER BY last_report DESC, name) AS place
    FROM issue_producers JOIN asked USING (namespace)
    WHERE namespace_uid IN (uid, '')
) r
WHERE place <= 100
