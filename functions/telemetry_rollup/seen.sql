-- What people saw in the hour before a tick, by service and kind of device; every report once.
-- A session counts where it was there within the hour, with its whole length, of some hours at most; seen once, it has none.
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
lengths AS (
  SELECT
    service,
    device,
    COUNT(*) AS sessions,
    COUNT(seconds) AS timed,
    APPROX_QUANTILES(seconds, 100)[SAFE_OFFSET(50)] AS session_seconds
  FROM sessions
  GROUP BY service, device
),
times AS (
  SELECT
    service,
    device,
    COUNTIF(kind = 'frame' AND value IS NOT NULL) AS frames,
    APPROX_QUANTILES(IF(kind = 'frame', value, NULL), 100)[SAFE_OFFSET(95)] AS frame_seconds,
    COUNTIF(kind = 'load' AND value IS NOT NULL) AS loads,
    APPROX_QUANTILES(IF(kind = 'load', value, NULL), 100)[SAFE_OFFSET(75)] AS load_seconds,
    COUNTIF(kind = 'request' AND failed IS NOT NULL) AS requests,
    COUNTIF(kind = 'request' AND failed) AS failures
  FROM reports
  WHERE recent
  GROUP BY service, device
)
SELECT
  lengths.service,
  lengths.device,
  lengths.sessions,
  lengths.timed,
  lengths.session_seconds,
  times.frames,
  times.frame_seconds,
  times.loads,
  times.load_seconds,
  times.requests,
  times.failures
FROM lengths
JOIN times ON times.service = lengths.service AND times.device = lengths.device
ORDER BY lengths.sessions DESC, lengths.service, lengths.device
LIMIT @most
