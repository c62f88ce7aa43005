-- Revenue by source and day over whole days; a day without an order has no row. Days are those of the time zone, by their date: as
-- the midnight of that date in UTC.
SELECT source, day, SUM(dollars) AS dollars
FROM (
  SELECT {listed_source} AS source, TIMESTAMP_TRUNC({local_hour}, DAY) AS day, dollars
  FROM marts.revenue_hourly
  WHERE hour >= TIMESTAMP_SUB(@since, INTERVAL 1 DAY) AND hour < TIMESTAMP_ADD(@until, INTERVAL 1 DAY)
) AS hourly
WHERE day >= @since AND day < @until
GROUP BY source, day
ORDER BY source, day
