-- What people and reports may read: their names and columns are stable, those of the
-- tables are not. docs/operator/database.md describes them. Issues that are stored
-- encrypted are in neither. Takes no lock for which anything waits.
CREATE VIEW kite_issue_history AS
SELECT namespace,
       namespace_uid,
       name,
       uid,
       episode,
       type,
       severity,
       application,
       component,
       group_key,
       cause,
       opened_at,
       resolved_at,
       resolved_at - opened_at AS time_to_resolve,
       reason
FROM issue_episodes;

CREATE VIEW kite_issues_active AS
SELECT namespace,
       name,
       type,
       severity,
       stage,
       application,
       component,
       group_key,
       cause,
       origin,
       scope_kind,
       scope_name,
       opened_at,
       reopened
FROM issues
WHERE state = 'Active';
