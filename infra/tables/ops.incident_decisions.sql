-- Events as the incident service decided on them, and the outcomes of messages: each once, as it was decided on first.
SELECT id, kind, incident_group, revision, event_id, target, event, published_at, decided_at,
  COALESCE(known, '') AS known
FROM `{project}.ops.incident_decisions_raw`
WHERE TRUE
QUALIFY ROW_NUMBER() OVER (PARTITION BY id, published_at ORDER BY decided_at, revision) = 1
