-- Browser reports of the hour before a tick, summarized by service and kind of device. Each report counts once, and percentiles are
-- exact, so that a tick always gives the same numbers.
-- A session counts if it has a report within the hour; its duration includes earlier reports, and needs at least two.
WITH reports AS (
  SELECT service, device, session_id, kind, value, failed, observed_at, observed_at >= @start AS recent
  FROM telemetry.experience
  WHERE observed_at >= @since AND observed_at < @end
  QUALIFY ROW_NUMBER() OVER (PARTITION BY event_id ORDER BY observed_at) = 1
),
sessions AS (
  SELECT
    service,
    device,
    session_id,
    IF(COUNT(*) > 1, TIMESTAMP_DIFF(MAX(observed_at), MIN(observed_at), MILLISECOND) / 1000, NULL) AS seconds
  FROM reports
  GROUP BY service, device, session_id
  HAVING LOGICAL_OR(recent)
),
medians AS (
  SELECT service, device, seconds, PERCENTILE_CONT(seconds, 0.5) OVER (PARTITION BY service, device) AS median
  FROM sessions
),
lengths AS (
  SELECT service, device, COUNT(*) AS sessions, COUNT(seconds) AS timed, MAX(median) AS session_seconds
  FROM medians
  GROUP BY service, device
),
times AS (
  SELECT
    service,
    device,
    kind,
    value,
    failed,
    PERCENTILE_CONT(IF(kind = 'frame', value, NULL), 0.95) OVER (PARTITION BY service, device) AS frame_seconds,
    PERCENTILE_CONT(IF(kind = 'load', value, NULL), 0.75) OVER (PARTITION BY service, device) AS load_seconds
  FROM reports
  WHERE recent
),
counts AS (
  SELECT
    service,
    device,
    COUNTIF(kind = 'frame' AND value IS NOT NULL) AS frames,
    MAX(frame_seconds) AS frame_seconds,
    COUNTIF(kind = 'load' AND value IS NOT NULL) AS loads,
    MAX(load_seconds) AS load_seconds,
    COUNTIF(kind = 'request' AND failed IS NOT NULL) AS requests,
    COUNTIF(kind = 'request' AND failed) AS failures
  FROM times
  GROUP BY service, device
)
SELECT
  lengths.service,
  lengths.device,
  lengths.sessions,
  lengths.timed,
  lengths.session_seconds,
  counts.frames,
  counts.frame_seconds,
  counts.loads,
  counts.load_seconds,
  counts.requests,
  counts.failures
FROM lengths
JOIN counts ON counts.service = lengths.service AND counts.device = lengths.device
ORDER BY lengths.sessions DESC, lengths.service, lengths.device
LIMIT @most
