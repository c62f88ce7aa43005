-- Every customer anew, from their days before an instant: a sum over all of a customer's life prunes nothing, but reads a
-- row a day and no orders.
MERGE marts.customers AS kept
USING (
  SELECT
    customer, first_day, MAX(IF(taken > 0, day, NULL)) AS last_day, COUNTIF(taken > 0) AS days, SUM(taken) AS orders,
    SUM(dollars) AS dollars, SUM(IF(day = first_day, dollars, 0.0)) AS first_dollars
  FROM (
    SELECT customer, day, taken, dollars, MIN(IF(taken > 0, day, NULL)) OVER (PARTITION BY customer) AS first_day
    FROM marts.customer_days
    WHERE day < @until
  ) AS lived
  WHERE first_day IS NOT NULL
  GROUP BY customer, first_day
) AS given
ON FALSE
WHEN NOT MATCHED BY SOURCE THEN DELETE
WHEN NOT MATCHED BY TARGET THEN
  INSERT (customer, first_day, last_day, days, orders, dollars, first_dollars)
  VALUES (
    given.customer, given.first_day, given.last_day, given.days, given.orders, given.dollars, given.first_dollars
  )
