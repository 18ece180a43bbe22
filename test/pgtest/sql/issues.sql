-- 1,000 issues in each of $1 namespaces as test/bench/workload makes them, a tenth of them
-- Active, their history, the events of the newer half, and as many folders as a thousand
-- namespaces have.
WITH made AS (
    SELECT n, 'team-' || lpad((n % $1)::text, 4, '0') AS namespace, n / $1 AS i,
           lpad((n % $1)::text, 4, '0') AS suffix
    FROM generate_series(0, $1::int * 1000 - 1) n
), described AS (
    SELECT *,
           (ARRAY ['build', 'build', 'build', 'test', 'test', 'dependency', 'release', 'policy'])[1 + i * 13 % 8] AS type,
           (ARRAY ['critical', 'major', 'major', 'major', 'major', 'major', 'minor', 'minor', 'minor', 'info'])[1 + (i / 10 + i) % 10] AS severity,
           (ARRAY ['checkout', 'cart', 'catalog', 'search', 'pricing'])[1 + i % 5] || '-' || i % 25 || '-' || suffix AS component,
           CASE WHEN i % 10 = 0 THEN 'Active' ELSE 'Resolved' END AS state,
           '2026-11-23Z'::timestamptz - interval '1 minute' * (i * 7919 % 10000) AS opened_at,
           CASE WHEN i % 50 <> i / 50 % 10 THEN '' WHEN i = 0 THEN 'CVE-2026-10000'
               ELSE 'CVE-2026-' || 20000 + (n % $1 * 19 + i / 50) / 15 END AS group_key
    FROM made
), named AS (
    SELECT *, type || '-component-' || component || '-' || left(md5(n::text), 8) AS name FROM described
), keyed AS (
    SELECT *, '/issues.kite.dev/issues/' || namespace || '/' || name AS key FROM named
), objects AS (
    INSERT INTO objects (key, mod_rv, create_rv, claim, value)
    SELECT key, n + 2, n + 2, CASE state WHEN 'Active' THEN sha256(key::bytea) END, convert_to(repeat('x', 1500), 'UTF8')
    FROM keyed ORDER BY n
), newest AS (
    INSERT INTO events (rv, prev_rv, batch, op, key)
    SELECT n + 2, 0, gen_random_uuid(), 'P', key FROM keyed WHERE n >= $1 * 500
), counts AS (
    INSERT INTO claim_counts (folder, held)
    SELECT '/issues.kite.dev/issues/team-' || lpad(n::text, 4, '0'), 100 FROM generate_series(0, 999) n
), episodes AS (
    INSERT INTO issue_episodes (uid, episode, opened_at, resolved_at, namespace_uid, namespace, name, type, severity,
        application, component, group_key, cause, reason)
    SELECT 'uid-' || n, 0, opened_at, opened_at + interval '1 hour', 'uid-of-' || namespace, namespace, name, type, severity,
           'suite-' || i % 5 || '-' || suffix, component, group_key, '', 'Succeeded'
    FROM keyed WHERE state = 'Resolved' ORDER BY opened_at
)
INSERT INTO issues (key, name, namespace, type, severity, stage, problem_key, application, component, group_key, origin,
    scope_kind, scope_name, scope_namespace, state, run_names, run_uids, search_text, shape, opened_at, reopened, deadline)
SELECT key, name, namespace, type, severity, 'Push', i::text, 'suite-' || i % 5 || '-' || suffix, component, group_key,
       CASE group_key WHEN '' THEN '' ELSE 'mintmaker' END, 'Component', component, namespace, state,
       ARRAY ['run-' || n], ARRAY ['run-' || n], type || ' of ' || component || ' failed in task compile: exited with code ' || i % 24,
       1, opened_at, CASE WHEN i % 97 = 0 THEN 1 ELSE 0 END, CASE state WHEN 'Resolved' THEN opened_at + interval '1 hour' END
FROM keyed ORDER BY n
