-- Customers as they were known at an instant, in days before it, and the days on which they ordered from then on. Of very many
-- customers a fixed sample.
SELECT
  CAST(days - 1 AS FLOAT64) AS repeat_days, TIMESTAMP_DIFF(@middle, first_day, DAY) AS first,
  TIMESTAMP_DIFF(@middle, last_day, DAY) AS last, dollars - first_dollars AS repeat_dollars, purchases
FROM (
  SELECT
    customer, first_day, MAX(IF(taken > 0 AND day < @middle, day, NULL)) AS last_day,
    COUNTIF(taken > 0 AND day < @middle) AS days, COUNTIF(taken > 0 AND day >= @middle) AS purchases,
    SUM(IF(day < @middle, dollars, 0.0)) AS dollars,
    SUM(IF(day < @middle AND order_day = first_day, dollars, 0.0)) AS first_dollars
  FROM (
    SELECT
      customer, day, COALESCE(order_day, day) AS order_day, taken, dollars,
      MIN(IF(taken > 0, day, NULL)) OVER (PARTITION BY customer) AS first_day
    FROM marts.customer_days
    WHERE day < @until
  ) AS by_day
  WHERE first_day < @middle
  GROUP BY customer, first_day
) AS known
ORDER BY MD5(customer)
LIMIT @most
