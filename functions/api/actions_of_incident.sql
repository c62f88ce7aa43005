-- Every decision about the automated responses to one incident, each once, in order.
SELECT request_id, sequence, incident_id, action, target, mode, stage, reason, `at`, plan, detail, `by`, rung
FROM ops.action_decisions
WHERE `at` >= @since AND incident_id = @incident
QUALIFY ROW_NUMBER() OVER (PARTITION BY id ORDER BY `at`) = 1
ORDER BY `at`, request_id, sequence
