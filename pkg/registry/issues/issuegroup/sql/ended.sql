-- What was Active in group $1 and was resolved since $2: by the days (UTC) on which it
-- became Active, or on which counting begins, and on which it ended.
SELECT date_trunc('day', greatest(opened_at, $2), 'UTC') AS opened, date_trunc('day', resolved_at, 'UTC') AS resolved, count(*)
FROM issue_episodes
WHERE group_key = $1 AND group_key <> '' AND resolved_at >= $2
GROUP BY 1, 2
