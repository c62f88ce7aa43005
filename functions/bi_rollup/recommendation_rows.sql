-- The recommendations that are known.
SELECT
  key, kind, target, dollars_per_month, evidence, confidence, scope, state, first_seen, last_seen
FROM marts.recommendations
ORDER BY key
