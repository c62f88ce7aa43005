-- What each source earned in each hour of the day, over a span of whole days.
SELECT source, EXTRACT(HOUR FROM hour) AS of_day, SUM(dollars) AS dollars
FROM marts.revenue_hourly
WHERE hour >= @since AND hour < @until
GROUP BY source, of_day
ORDER BY source, of_day
