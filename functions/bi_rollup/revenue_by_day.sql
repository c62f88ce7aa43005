-- Revenue by source and day over whole days; a day without an order has no row.
SELECT source, day, SUM(dollars) AS dollars
FROM (
  SELECT {listed_source} AS source, TIMESTAMP_TRUNC(hour, DAY) AS day, dollars
  FROM marts.revenue_hourly
  WHERE hour >= @since AND hour < @until
) AS hourly
GROUP BY source, day
ORDER BY source, day
