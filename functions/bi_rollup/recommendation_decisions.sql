-- What people decided on recommendations: the newest decision on each.
SELECT key, state, decided_by, note, decided_at
FROM ops.recommendation_decisions
WHERE decided_at <= @until
QUALIFY ROW_NUMBER() OVER (PARTITION BY key ORDER BY decided_at DESC, state DESC, decided_by DESC, note DESC) = 1
ORDER BY key
