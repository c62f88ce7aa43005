-- What each source earned on each day of a span of whole days; a day without an order is not there. Where sources are named,
-- the rest is one more, 'other'.
SELECT source, day, SUM(dollars) AS dollars
FROM (
  SELECT
    IF(ARRAY_LENGTH(@sources) = 0 OR source IN UNNEST(@sources), source, 'other') AS source,
    TIMESTAMP_TRUNC(hour, DAY) AS day, dollars
  FROM marts.revenue_hourly
  WHERE hour >= @since AND hour < @until
) AS earned
GROUP BY source, day
ORDER BY source, day
