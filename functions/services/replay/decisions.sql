SELECT id, kind, incident_group, revision, event_id, target, event, published_at, decided_at, known
FROM ops.incident_decisions
WHERE published_at >= @since AND published_at < @until
