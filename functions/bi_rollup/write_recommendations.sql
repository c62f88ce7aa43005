-- The recommendations as they are known now, in place of what was known before.
MERGE marts.recommendations AS mart
USING (
  SELECT
    r.key, r.kind, r.target, CAST(r.dollars_per_month AS FLOAT64) AS dollars_per_month, r.evidence, r.confidence, r.scope, r.state,
    CAST(r.decided_by AS STRING) AS decided_by, CAST(r.note AS STRING) AS note, CAST(r.decided_at AS TIMESTAMP) AS decided_at,
    r.first_seen, r.last_seen, CAST(r.saved_dollars AS FLOAT64) AS saved_dollars,
    CAST(r.saved_until AS TIMESTAMP) AS saved_until
  FROM UNNEST(@recommendations) AS r
) AS fresh
ON FALSE
WHEN NOT MATCHED BY SOURCE THEN DELETE
WHEN NOT MATCHED BY TARGET THEN
  INSERT (
    key, kind, target, dollars_per_month, evidence, confidence, scope, state, decided_by, note, decided_at, first_seen,
    last_seen, saved_dollars, saved_until
  )
  VALUES (
    fresh.key, fresh.kind, fresh.target, fresh.dollars_per_month, fresh.evidence, fresh.confidence, fresh.scope,
    fresh.state, fresh.decided_by, fresh.note, fresh.decided_at, fresh.first_seen, fresh.last_seen, fresh.saved_dollars,
    fresh.saved_until
  )
