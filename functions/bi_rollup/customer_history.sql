-- Each customer as of the newest rollup, in days before it: the first and the newest order, and the newest one of the previous
-- period. Of very many customers a fixed sample, with the number of all customers.
SELECT
  CAST(mart.days - 1 AS FLOAT64) AS repeat_days, TIMESTAMP_DIFF(@until, mart.first_day, DAY) AS first,
  TIMESTAMP_DIFF(@until, mart.last_day, DAY) AS last, TIMESTAMP_DIFF(@until, previous.day, DAY) AS previous,
  mart.dollars - mart.first_dollars AS repeat_dollars, total.customers AS total
FROM marts.customers AS mart
CROSS JOIN (SELECT COUNT(*) AS customers FROM marts.customers WHERE last_day < @until) AS total
LEFT JOIN (
  SELECT customer, MAX(day) AS day
  FROM marts.customer_days
  WHERE day >= @since AND day < @middle AND taken > 0
  GROUP BY customer
) AS previous
ON previous.customer = mart.customer
WHERE mart.last_day < @until
ORDER BY MD5(mart.customer)
LIMIT @most
