-- The life of each customer as of the newest rollup, in days before it: the first and the newest order, and the newest of
-- the period before. Of very many customers a sample, always the same, with how many there are.
SELECT
  CAST(kept.days - 1 AS FLOAT64) AS again, TIMESTAMP_DIFF(@until, kept.first_day, DAY) AS first,
  TIMESTAMP_DIFF(@until, kept.last_day, DAY) AS last, TIMESTAMP_DIFF(@until, before.day, DAY) AS previous,
  kept.dollars - kept.first_dollars AS dollars, every_one.customers AS everybody
FROM marts.customers AS kept
CROSS JOIN (SELECT COUNT(*) AS customers FROM marts.customers WHERE last_day < @until) AS every_one
LEFT JOIN (
  SELECT customer, MAX(day) AS day
  FROM marts.customer_days
  WHERE day >= @since AND day < @middle AND taken > 0
  GROUP BY customer
) AS before
ON before.customer = kept.customer
WHERE kept.last_day < @until
ORDER BY MD5(kept.customer)
LIMIT @most
