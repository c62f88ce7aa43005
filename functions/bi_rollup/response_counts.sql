-- Escalations because nobody acknowledged, automated actions that were applied, and those that failed or were undone, after
-- an instant and up to another.
SELECT escalated.escalations, decided.applied, decided.failed
FROM (
  SELECT COUNT(DISTINCT id) AS escalations
  FROM ops.incident_changes AS changed
  WHERE changed.at > @since AND changed.at <= @until AND reason = 'not_acknowledged'
) AS escalated
CROSS JOIN (
  SELECT
    COUNT(DISTINCT IF(stage IN ('applied', 'verified', 'undone', 'failed'), request_id, NULL)) AS applied,
    COUNT(DISTINCT IF(stage IN ('undone', 'failed'), request_id, NULL)) AS failed
  FROM ops.action_decisions AS decision
  WHERE decision.at > @since AND decision.at <= @until AND mode = 'act'
) AS decided
