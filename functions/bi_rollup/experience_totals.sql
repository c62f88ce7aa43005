-- Browser reports of all services after an instant and up to another; each report counts once.
SELECT
  COUNTIF(kind = 'request' AND failed IS NOT NULL) AS requests,
  COUNTIF(kind = 'request' AND failed) AS failures,
  COUNTIF(kind = 'load' AND value IS NOT NULL) AS loads,
  MAX(load_seconds) AS load_seconds
FROM (
  SELECT kind, value, failed, PERCENTILE_CONT(IF(kind = 'load', value, NULL), 0.75) OVER () AS load_seconds
  FROM (
    SELECT kind, value, failed
    FROM telemetry.experience
    WHERE observed_at > @since AND observed_at <= @until
    QUALIFY ROW_NUMBER() OVER (PARTITION BY event_id ORDER BY observed_at) = 1
  )
)
