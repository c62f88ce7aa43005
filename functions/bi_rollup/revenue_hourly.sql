-- What each source earned in each hour of a span of whole hours, in place of what stood there: run again, or late, it
-- writes what the orders say by then.
MERGE marts.revenue_hourly AS kept
USING (
  SELECT
    source, TIMESTAMP_TRUNC(ordered_at, HOUR) AS hour, SUM(dollars) AS dollars, COUNTIF(outcome = 'taken') AS taken,
    COUNTIF(outcome = 'refunded') AS refunded, COUNTIF(outcome = 'failed') AS failed,
    COUNTIF(outcome = 'unknown') AS unknown
  FROM (
    {orders}
  ) AS orders
  GROUP BY source, hour
) AS given
ON FALSE
WHEN NOT MATCHED BY SOURCE AND kept.hour >= @since AND kept.hour < @until THEN DELETE
WHEN NOT MATCHED BY TARGET THEN
  INSERT (source, hour, dollars, taken, refunded, failed, unknown)
  VALUES (
    given.source, given.hour, given.dollars, given.taken, given.refunded, given.failed, given.unknown
  )
