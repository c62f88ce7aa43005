-- Calls of partners in the week and in the week before, each once: their number, those that failed, and the 95th percentile of their latency.
SELECT
  partner,
  COUNTIF(called_at >= @since) AS calls,
  COUNTIF(called_at >= @since AND failed) AS failures,
  MAX(IF(called_at >= @since, p95, NULL)) AS seconds,
  COUNTIF(called_at < @since) AS calls_before,
  COUNTIF(called_at < @since AND failed) AS failures_before,
  MAX(IF(called_at < @since, p95, NULL)) AS seconds_before
FROM (
  SELECT partner, called_at, failed, PERCENTILE_CONT(seconds, 0.95) OVER (PARTITION BY partner, called_at >= @since) AS p95
  FROM (
    SELECT partner, called_at, failed, IF(IS_NAN(seconds) OR IS_INF(seconds) OR seconds < 0, NULL, seconds) AS seconds
    FROM telemetry.partner_calls
    WHERE called_at >= @before AND called_at < @until
    QUALIFY ROW_NUMBER() OVER (PARTITION BY call_id ORDER BY called_at) = 1
  ) AS each_call
) AS measured
GROUP BY partner
ORDER BY partner
