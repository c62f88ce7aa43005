-- What services call, by traces: another service whose span is a part of the call, or where there is none what the call names; databases,
-- destinations of messages and models.
WITH spans AS (
  SELECT trace_id, span_id, parent_span_id, service, operation, name
  FROM telemetry.spans
  WHERE ended_at >= @since AND ended_at < @until
  QUALIFY ROW_NUMBER() OVER (PARTITION BY trace_id, span_id ORDER BY ended_at) = 1
),
answered AS (
  SELECT callers.trace_id, callers.span_id, callers.service, children.service AS name
  FROM spans AS callers
  JOIN spans AS children ON children.trace_id = callers.trace_id AND children.parent_span_id = callers.span_id
  WHERE children.service != callers.service
),
calls AS (
  SELECT service, 'call' AS operation, name FROM answered
  UNION ALL
  SELECT spans.service, spans.operation, spans.name
  FROM spans
  LEFT JOIN answered ON answered.trace_id = spans.trace_id AND answered.span_id = spans.span_id
  WHERE spans.operation IN ('call', 'database', 'message', 'model') AND spans.name != 'unknown' AND answered.span_id IS NULL
)
SELECT service, operation, name, COUNT(*) AS calls
FROM calls
GROUP BY service, operation, name
ORDER BY calls DESC, service, operation, name
LIMIT @most
