-- All customers, rebuilt from their days before an instant. No partition is pruned, as each row covers the whole life of a
-- customer; it reads one row a customer and day, and no orders.
MERGE marts.customers AS mart
USING (
  SELECT
    customer, first_day, MAX(IF(taken > 0, day, NULL)) AS last_day, COUNTIF(taken > 0) AS days, SUM(taken) AS orders,
    SUM(dollars) AS dollars, SUM(IF(order_day = first_day, dollars, 0.0)) AS first_dollars
  FROM (
    SELECT
      customer, day, COALESCE(order_day, day) AS order_day, taken, dollars,
      MIN(IF(taken > 0, day, NULL)) OVER (PARTITION BY customer) AS first_day
    FROM marts.customer_days
    WHERE day < @until
  ) AS by_day
  WHERE first_day IS NOT NULL
  GROUP BY customer, first_day
) AS fresh
ON FALSE
WHEN NOT MATCHED BY SOURCE THEN DELETE
WHEN NOT MATCHED BY TARGET THEN
  INSERT (customer, first_day, last_day, days, orders, dollars, first_dollars)
  VALUES (fresh.customer, fresh.first_day, fresh.last_day, fresh.days, fresh.orders, fresh.dollars, fresh.first_dollars)
