-- What each customer paid on each day of a span of whole days, in place of what stood there: run again, or late, it writes
-- what the orders say by then.
MERGE marts.customer_days AS kept
USING (
  SELECT
    customer, TIMESTAMP_TRUNC(ordered_at, DAY) AS day, COUNTIF(outcome = 'taken') AS taken, SUM(dollars) AS dollars
  FROM (
    {orders}
  ) AS orders
  WHERE customer IS NOT NULL AND outcome IN ('taken', 'refunded')
  GROUP BY customer, day
) AS given
ON FALSE
WHEN NOT MATCHED BY SOURCE AND kept.day >= @since AND kept.day < @until THEN DELETE
WHEN NOT MATCHED BY TARGET THEN
  INSERT (customer, day, taken, dollars) VALUES (given.customer, given.day, given.taken, given.dollars)
