-- The findings that changed an incident, and what became of its messages and requests, in order.
SELECT id, kind, incident_group, revision, event_id, target, event, published_at, decided_at, known
FROM ops.incident_decisions
WHERE published_at >= @since
  AND (
    (kind = 'finding' AND event_id IN UNNEST(@names))
    OR (kind = 'delivery' AND STARTS_WITH(event_id, CONCAT(@incident, ':')))
  )
ORDER BY decided_at, revision, id
LIMIT @most
