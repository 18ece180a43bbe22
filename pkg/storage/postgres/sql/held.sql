-- How many objects of a folder hold a claim.
SELECT coalesce((SELECT held FROM claim_counts WHERE folder = $1), 0)
