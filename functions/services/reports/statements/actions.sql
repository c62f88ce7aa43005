-- Requests for automated actions about which something was decided in the week, by what became of them.
SELECT
  action, mode,
  COUNT(DISTINCT request_id) AS requests,
  COUNT(DISTINCT IF(stage = 'verified', request_id, NULL)) AS verified,
  COUNT(DISTINCT IF(stage IN ('failed', 'undone'), request_id, NULL)) AS failed,
  COUNT(DISTINCT IF(stage IN ('refused', 'rejected', 'expired'), request_id, NULL)) AS refused
FROM ops.action_decisions AS decision
WHERE decision.at >= @since AND decision.at < @until
GROUP BY action, mode
ORDER BY action, mode
