-- How often, between two instants, somebody was called because nobody had answered; how many automated responses were
-- applied, and how many of them failed or had to be undone.
SELECT called.times AS called, done.applied, done.failed
FROM (
  SELECT COUNT(DISTINCT id) AS times
  FROM ops.incident_changes AS changed
  WHERE changed.at > @since AND changed.at <= @until AND reason = 'not_acknowledged'
) AS called
CROSS JOIN (
  SELECT
    COUNT(DISTINCT IF(stage IN ('applied', 'verified', 'undone', 'failed'), request_id, NULL)) AS applied,
    COUNT(DISTINCT IF(stage IN ('undone', 'failed'), request_id, NULL)) AS failed
  FROM ops.action_decisions AS decided
  WHERE decided.at > @since AND decided.at <= @until AND mode = 'act'
) AS done
