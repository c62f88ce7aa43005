-- Decisions about automated actions that may have been applied, each once, after an instant and up to another.
SELECT request_id, sequence, incident_id, action, stage, reason, `at`
FROM ops.action_decisions AS decision
WHERE
  decision.at > @since AND decision.at <= @until AND mode = 'act'
  AND stage IN ('applied', 'verified', 'undone', 'failed')
QUALIFY ROW_NUMBER() OVER (PARTITION BY id ORDER BY `at`) = 1
