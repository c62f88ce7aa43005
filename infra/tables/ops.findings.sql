-- Findings of detectors and other systems, each delivery once, as the incident service decided on them: without secrets.
SELECT
  event_id AS id, target,
  JSON_VALUE(event, '$.kind') AS kind,
  JSON_VALUE(event, '$.status') AS status,
  JSON_VALUE(event, '$.severity') AS severity,
  TIMESTAMP(JSON_VALUE(event, '$.observed_at')) AS observed_at,
  JSON_VALUE(event, '$.source') AS source,
  JSON_VALUE(event, '$.summary') AS summary,
  CAST(JSON_VALUE(event, '$.value') AS FLOAT64) AS value,
  CAST(JSON_VALUE(event, '$.threshold') AS FLOAT64) AS threshold,
  JSON_VALUE(event, '$.unit') AS unit,
  JSON_QUERY(event, '$.evidence') AS evidence,
  incident_group, published_at, decided_at
FROM `{project}.ops.incident_decisions_raw` AS decision
WHERE kind = 'finding'
QUALIFY ROW_NUMBER() OVER (PARTITION BY decision.id, published_at ORDER BY decided_at, revision) = 1
