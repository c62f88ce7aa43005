-- Incidents of each target in a time, and those that somebody acknowledged or mitigated.
SELECT
  target, COUNT(DISTINCT IF(change = 'opened', incident_id, NULL)) AS n_incidents,
  COUNT(DISTINCT IF(change IN ('acknowledged', 'mitigated'), incident_id, NULL)) AS n_acknowledged
FROM ops.incident_changes
WHERE `at` >= @since AND `at` < @until
GROUP BY target
