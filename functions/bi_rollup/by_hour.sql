-- What each source earned in each hour of the day, over a span of whole days, and the newest hour with an order. Where sources
-- are named, the rest is one more, 'other'.
SELECT source, EXTRACT(HOUR FROM hour) AS of_day, SUM(dollars) AS dollars, MAX(hour) AS newest
FROM (
  SELECT
    IF(ARRAY_LENGTH(@sources) = 0 OR source IN UNNEST(@sources), source, 'other') AS source, hour, dollars
  FROM marts.revenue_hourly
  WHERE hour >= @since AND hour < @until
) AS earned
GROUP BY source, of_day
ORDER BY source, of_day
