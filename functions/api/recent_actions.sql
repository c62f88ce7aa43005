-- The newest decision about each action asked for of late, the newest first.
SELECT request_id AS id, incident_id, action, target, mode, stage, reason, `at`, plan AS summary, detail, `by`
FROM ops.action_decisions
WHERE `at` >= @since
QUALIFY ROW_NUMBER() OVER (PARTITION BY request_id ORDER BY sequence DESC) = 1
ORDER BY `at` DESC, id
LIMIT @most
