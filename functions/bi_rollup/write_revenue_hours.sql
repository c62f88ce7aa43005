-- Revenue and payments by source and hour over whole hours. Existing rows are replaced: a rerun, or a late one, writes what the
-- orders say by then.
MERGE marts.revenue_hourly AS mart
USING (
  SELECT
    source, TIMESTAMP_TRUNC(ordered_at, HOUR) AS hour, SUM(dollars) AS dollars, COUNTIF(outcome = 'taken') AS taken,
    COUNTIF(outcome = 'refunded') AS refunded, COUNTIF(outcome = 'failed') AS failed,
    COUNTIF(outcome = 'unknown') AS unknown, SUM(gross) AS gross, SUM(discount) AS discount, SUM(tax) AS tax,
    SUM(refund) AS refund, COUNTIF(outcome = 'no_rate') AS no_rate, COUNTIF(outcome = 'test') AS test
  FROM (
    {each_order}
  ) AS orders
  GROUP BY source, hour
) AS fresh
ON FALSE
WHEN NOT MATCHED BY SOURCE AND mart.hour >= @since AND mart.hour < @until THEN DELETE
WHEN NOT MATCHED BY TARGET THEN
  INSERT (source, hour, dollars, taken, refunded, failed, unknown, gross, discount, tax, refund, no_rate, test)
  VALUES (
    fresh.source, fresh.hour, fresh.dollars, fresh.taken, fresh.refunded, fresh.failed, fresh.unknown, fresh.gross, fresh.discount,
    fresh.tax, fresh.refund, fresh.no_rate, fresh.test
  )
