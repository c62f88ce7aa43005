-- Orders and revenue by customer and day over whole days. Existing rows are replaced: a rerun, or a late one, writes what the
-- orders say by then.
MERGE marts.customer_days AS mart
USING (
  SELECT
    customer, TIMESTAMP_TRUNC(ordered_at, DAY) AS day, COUNTIF(outcome = 'taken') AS taken, SUM(dollars) AS dollars
  FROM (
    {each_order}
  ) AS orders
  WHERE customer IS NOT NULL AND outcome IN ('taken', 'refunded')
  GROUP BY customer, day
) AS fresh
ON FALSE
WHEN NOT MATCHED BY SOURCE AND mart.day >= @since AND mart.day < @until THEN DELETE
WHEN NOT MATCHED BY TARGET THEN
  INSERT (customer, day, taken, dollars) VALUES (fresh.customer, fresh.day, fresh.taken, fresh.dollars)
