-- Recommendations as the rollup knows them, each with the newest decision, which it may not have read yet; those that save most first.
SELECT
  made.key, made.kind, made.target, made.dollars_per_month, made.evidence, made.confidence,
  IF(decided.decided_at > COALESCE(made.decided_at, TIMESTAMP_SECONDS(0)), decided.state, made.state) AS state,
  COALESCE(decided.decided_by, made.decided_by) AS decided_by, COALESCE(decided.note, made.note) AS note,
  COALESCE(decided.decided_at, made.decided_at) AS decided_at, made.first_seen, made.last_seen, made.saved_dollars,
  made.saved_until
FROM marts.recommendations AS made
LEFT JOIN (
  SELECT key, state, decided_by, note, decided_at
  FROM ops.recommendation_decisions
  WHERE TRUE
  QUALIFY ROW_NUMBER() OVER (PARTITION BY key ORDER BY decided_at DESC, state DESC, decided_by DESC, note DESC) = 1
) AS decided
ON decided.key = made.key
ORDER BY dollars_per_month DESC, key
LIMIT @most
