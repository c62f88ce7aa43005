-- Revenue by source and hour of the day over whole days, and the newest hour with an order that is no test. Days and hours are those of
-- the time zone, days by their date.
SELECT source, of_day, SUM(dollars) AS dollars, MAX(IF(orders > 0, hour, NULL)) AS newest
FROM (
  SELECT
    {listed_source} AS source, hour, TIMESTAMP_TRUNC({local_hour}, DAY) AS day, EXTRACT(HOUR FROM {local_hour}) AS of_day,
    dollars, taken + refunded + failed + unknown + COALESCE(no_rate, 0) AS orders
  FROM marts.revenue_hourly
  WHERE hour >= TIMESTAMP_SUB(@since, INTERVAL 1 DAY) AND hour < TIMESTAMP_ADD(@until, INTERVAL 1 DAY)
) AS hourly
WHERE day >= @since AND day < @until
GROUP BY source, of_day
ORDER BY source, of_day
