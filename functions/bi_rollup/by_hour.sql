-- What each source earned in each hour of the day, over a span of whole days, and the newest hour with an order.
SELECT source, EXTRACT(HOUR FROM hour) AS of_day, SUM(dollars) AS dollars, MAX(hour) AS newest
FROM marts.revenue_hourly
WHERE hour >= @since AND hour < @until
GROUP BY source, of_day
ORDER BY source, of_day
