-- Revenue by source and local day; a day without an order has no row. A day is the midnight of its date in UTC.
SELECT source, day, SUM(dollars) AS dollars
FROM (
  SELECT source, TIMESTAMP_TRUNC({local_hour}, DAY) AS day, dollars
  FROM marts.revenue_hourly
  WHERE hour >= TIMESTAMP_SUB(@oldest_day, INTERVAL 1 DAY) AND hour < TIMESTAMP_ADD(@day_until, INTERVAL 1 DAY)
) AS hourly
WHERE day >= @oldest_day AND day < @day_until
GROUP BY source, day
ORDER BY source, day
