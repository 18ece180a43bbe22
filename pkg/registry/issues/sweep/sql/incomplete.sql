-- Whether there are issues without a row in the table issues.
SELECT EXISTS (SELECT FROM incomplete_projections WHERE name = 'issues')
