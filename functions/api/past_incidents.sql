-- Incidents that were over before an instant, the last to end first, as far as their recorded changes tell: of category, further
-- targets and false alarms they say nothing. An empty text takes everything.
WITH changes AS (
  SELECT incident_id, sequence, `at`, change, state, severity, target, title, COALESCE(reason, '') AS reason,
    COALESCE(summary, '') AS summary
  FROM ops.incident_changes
  WHERE `at` >= @since
  QUALIFY ROW_NUMBER() OVER (PARTITION BY id ORDER BY `at`) = 1
),
numbered AS (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY incident_id ORDER BY sequence DESC) AS back,
    CASE severity WHEN 'critical' THEN 3 WHEN 'error' THEN 2 WHEN 'warning' THEN 1 ELSE 0 END AS severity_rank
  FROM changes
),
incidents AS (
  SELECT incident_id AS id, MIN(`at`) AS opened_at,
    MAX(IF(change IN ('resolved', 'expired', 'merged'), `at`, NULL)) AS resolved_at,
    MAX(IF(back = 1, state, NULL)) AS state,
    MAX(IF(back = 1, title, NULL)) AS title,
    MAX(IF(back = 1, target, NULL)) AS target,
    MAX(severity_rank) AS severity_rank,
    MAX(IF(change = 'acknowledged', `at`, NULL)) AS acknowledged_at,
    MAX(IF(reason IN ('command', 'comment') AND STRPOS(LOWER(summary), @person) > 0, 1, 0)) AS of_person,
    LOWER(STRING_AGG(CONCAT(incident_id, ' ', target, ' ', title, ' ', summary), '\n')) AS words
  FROM numbered
  GROUP BY incident_id
)
SELECT id, opened_at, resolved_at, title, target, severity_rank, acknowledged_at
FROM incidents
WHERE state = 'resolved' AND resolved_at IS NOT NULL
  AND opened_at >= @opened_since AND opened_at < @until
  AND (resolved_at < @before OR (resolved_at = @before AND id < @before_id))
  AND severity_rank IN UNNEST(@severities)
  AND target LIKE @target
  AND (@person = '' OR of_person = 1)
  AND (@words = '' OR NOT EXISTS (SELECT 1 FROM UNNEST(SPLIT(@words, ' ')) AS word WHERE STRPOS(words, word) = 0))
ORDER BY resolved_at DESC, id DESC
LIMIT @most
