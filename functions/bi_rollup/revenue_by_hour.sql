-- Revenue by source and hour of the day over whole days, and the newest hour with an order.
SELECT source, EXTRACT(HOUR FROM hour) AS of_day, SUM(dollars) AS dollars, MAX(hour) AS newest
FROM (
  SELECT {listed_source} AS source, hour, dollars
  FROM marts.revenue_hourly
  WHERE hour >= @since AND hour < @until
) AS hourly
GROUP BY source, of_day
ORDER BY source, of_day
