-- Orders and revenue by customer and day over whole days, a refund also by the day of its order. Days are those of the time zone, by
-- their date. Existing rows are replaced: a rerun, or a late one, writes what the orders say by then.
MERGE marts.customer_days AS mart
USING (
  SELECT customer, day, order_day, COUNTIF(outcome = 'taken') AS taken, SUM(dollars) AS dollars
  FROM (
    SELECT
      customer, outcome, dollars, TIMESTAMP_TRUNC({local_order}, DAY) AS day,
      TIMESTAMP_TRUNC(IF(outcome = 'refunded', COALESCE({local_sale}, {local_order}), {local_order}), DAY) AS order_day
    FROM (
      {each_linked_order}
    ) AS orders
    WHERE customer IS NOT NULL AND outcome IN ('taken', 'refunded')
  ) AS by_order
  WHERE day >= @since AND day < @until
  GROUP BY customer, day, order_day
) AS fresh
ON FALSE
WHEN NOT MATCHED BY SOURCE AND mart.day >= @since AND mart.day < @until THEN DELETE
WHEN NOT MATCHED BY TARGET THEN
  INSERT (customer, day, order_day, taken, dollars)
  VALUES (fresh.customer, fresh.day, fresh.order_day, fresh.taken, fresh.dollars)
