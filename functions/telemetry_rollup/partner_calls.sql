-- Calls of partners in a period, each once: their number, those that failed, and the 95th percentile of their latency.
SELECT partner, COUNT(*) AS calls, COUNTIF(failed) AS failures, MAX(p95) AS seconds
FROM (
  SELECT partner, failed, PERCENTILE_CONT(seconds, 0.95) OVER (PARTITION BY partner) AS p95
  FROM (
    SELECT partner, failed, IF(IS_NAN(seconds) OR IS_INF(seconds) OR seconds < 0, NULL, seconds) AS seconds
    FROM telemetry.partner_calls
    WHERE called_at >= @since AND called_at < @until AND partner IN UNNEST(@partners)
    QUALIFY ROW_NUMBER() OVER (PARTITION BY call_id ORDER BY called_at) = 1
  ) AS each_call
) AS measured
GROUP BY partner
ORDER BY partner
