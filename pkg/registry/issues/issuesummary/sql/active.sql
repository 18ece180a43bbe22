-- How many issues are Active, by severity and type, and by namespace and severity, as rows
-- (by, label, label, n). What others choose is bounded: 100 namespaces, the well-known
-- types.
WITH active AS MATERIALIZED (
    SELECT namespace, severity,
           CASE WHEN type IN ('build', 'test', 'release', 'dependency', 'pipeline', 'policy', 'runtime')
               THEN type ELSE 'other' END AS type,
           count(*) AS n
    FROM issues WHERE state = 'Active' GROUP BY 1, 2, 3
), top AS (
    SELECT namespace FROM active GROUP BY namespace ORDER BY sum(n) DESC, namespace LIMIT 100
)
SELECT 'type' AS by, severity, type, sum(n)::bigint FROM active GROUP BY severity, type
UNION ALL
SELECT 'namespace', coalesce(top.namespace, ''), severity, sum(n)::bigint
FROM active LEFT JOIN top USING (namespace) GROUP BY top.namespace, severity
