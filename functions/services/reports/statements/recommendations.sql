-- Recommendations that lower costs, as they were at the end of the week: what was decided or withdrawn later was open then.
SELECT kind, target, state, confidence, dollars_per_month, saved_dollars, saved_until
FROM (
  SELECT
    kind, target, confidence, dollars_per_month, first_seen, saved_dollars, saved_until,
    CASE
      WHEN state IN ('done', 'dismissed') AND decided_at >= @until THEN 'open'
      WHEN state = 'withdrawn' AND last_seen >= @until THEN 'open'
      ELSE state
    END AS state
  FROM marts.recommendations
  WHERE first_seen < @until
) AS known
WHERE state != 'withdrawn'
ORDER BY dollars_per_month DESC, kind, target
