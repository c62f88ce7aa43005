-- What each source earned on each day of a span of whole days; a day without an order is not there.
SELECT source, TIMESTAMP_TRUNC(hour, DAY) AS day, SUM(dollars) AS dollars
FROM marts.revenue_hourly
WHERE hour >= @since AND hour < @until
GROUP BY source, day
ORDER BY source, day
