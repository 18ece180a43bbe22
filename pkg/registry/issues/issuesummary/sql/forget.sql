-- Forgets who has not reported since $1.
DELETE FROM issue_producers WHERE last_report < $1
