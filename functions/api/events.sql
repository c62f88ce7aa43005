-- What people and the system did, the newest first, each once. An empty text takes everything.
WITH commands AS (
  SELECT id, `at`, 'command' AS kind, verb AS what, `by` AS person, subject, COALESCE(target, '') AS target,
    IF(verb IN ('acknowledge', 'take_over', 'give_back', 'mitigate', 'resolve', 'cancel', 'reopen', 'merge', 'split', 'comment'), subject, '') AS incident,
    TRIM(CONCAT(IF(COALESCE(`to`, '') = '', '', CONCAT('to ', `to`, ' ')), COALESCE(note, ''))) AS text
  FROM ops.commands
  WHERE `at` >= @since AND `at` < @until
),
changes AS (
  SELECT id, `at`, 'incident' AS kind, change AS what,
    IF(reason IN ('command', 'comment'), SPLIT(COALESCE(summary, ''), ':')[OFFSET(0)], '') AS person,
    title AS subject, target, incident_id AS incident, COALESCE(summary, '') AS text
  FROM ops.incident_changes
  WHERE `at` >= @since AND `at` < @until
),
actions AS (
  SELECT id, `at`, 'action' AS kind, stage AS what, COALESCE(`by`, '') AS person, action AS subject, target, incident_id AS incident,
    COALESCE(NULLIF(detail, ''), NULLIF(plan, ''), reason) AS text
  FROM ops.action_decisions
  WHERE `at` >= @since AND `at` < @until
),
deliveries AS (
  SELECT id, decided_at AS `at`, 'notification' AS kind, JSON_VALUE(event, '$.outcome') AS what, '' AS person,
    JSON_VALUE(event, '$.channel') AS subject, COALESCE(JSON_VALUE(event, '$.target'), '') AS target,
    COALESCE(JSON_VALUE(event, '$.incident_id'), '') AS incident,
    TRIM(CONCAT(COALESCE(JSON_VALUE(event, '$.title'), ''), ' ', COALESCE(JSON_VALUE(event, '$.detail'), ''))) AS text
  FROM ops.incident_decisions_raw
  WHERE published_at >= TIMESTAMP_SUB(@since, INTERVAL 1 DAY) AND decided_at >= @since AND decided_at < @until
    AND kind = 'delivery' AND JSON_VALUE(event, '$.channel') != ''
),
models AS (
  SELECT id, changed_at AS `at`, 'model' AS kind, IF(settings IS NULL, 'removed', 'applied') AS what, changed_by AS person,
    model AS subject, CONCAT('model/', model) AS target, '' AS incident, '' AS text
  FROM ops.models
  WHERE changed_at >= @since AND changed_at < @until
),
aliases AS (
  SELECT id, changed_at AS `at`, 'version' AS kind, alias AS what, changed_by AS person,
    COALESCE(version, 'none') AS subject, CONCAT('model/', model) AS target, '' AS incident, why AS text
  FROM ops.model_aliases
  WHERE changed_at >= @since AND changed_at < @until
),
trainings AS (
  SELECT id, requested_at AS `at`, 'training' AS kind, 'requested' AS what,
    IF(STARTS_WITH(COALESCE(requested_by, ''), 'person:'), SUBSTR(requested_by, 8), '') AS person,
    model AS subject, CONCAT('model/', model) AS target, '' AS incident, TRIM(CONCAT(reason, ' ', COALESCE(note, ''))) AS text
  FROM ops.retraining_requests
  WHERE requested_at >= @since AND requested_at < @until
),
recommendations AS (
  SELECT CONCAT(key, ':', CAST(decided_at AS STRING)) AS id, decided_at AS `at`, 'recommendation' AS kind, state AS what,
    decided_by AS person, key AS subject, '' AS target, '' AS incident, note AS text
  FROM ops.recommendation_decisions
  WHERE decided_at >= @since AND decided_at < @until
),
upkeep AS (
  SELECT id, written_at AS `at`, 'upkeep' AS kind, outcome AS what, '' AS person, task AS subject, '' AS target, '' AS incident,
    COALESCE(NULLIF(fault, ''), detail, '') AS text
  FROM ops.maintenance_runs
  WHERE written_at >= @since AND written_at < @until
),
events AS (
  SELECT * FROM commands
  UNION ALL SELECT * FROM changes
  UNION ALL SELECT * FROM actions
  UNION ALL SELECT * FROM deliveries
  UNION ALL SELECT * FROM models
  UNION ALL SELECT * FROM aliases
  UNION ALL SELECT * FROM trainings
  UNION ALL SELECT * FROM recommendations
  UNION ALL SELECT * FROM upkeep
),
once AS (
  SELECT *
  FROM events
  WHERE kind IN UNNEST(@kinds)
  QUALIFY ROW_NUMBER() OVER (PARTITION BY kind, id ORDER BY `at`) = 1
)
SELECT id, `at`, kind, what, person, subject, target, incident, text
FROM once
WHERE (`at` < @before OR (`at` = @before AND CONCAT(kind, id) < @before_id))
  AND (@target = '%' OR target LIKE @target OR subject LIKE @target)
  AND (@person = '' OR STRPOS(LOWER(person), @person) > 0)
  AND (@words = '' OR NOT EXISTS (
    SELECT 1
    FROM UNNEST(SPLIT(@words, ' ')) AS word
    WHERE STRPOS(LOWER(CONCAT(what, ' ', person, ' ', subject, ' ', target, ' ', incident, ' ', text)), word) = 0
  ))
ORDER BY `at` DESC, CONCAT(kind, id) DESC
LIMIT @most
