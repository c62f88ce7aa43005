-- The sources with the highest revenue, and the number of all sources.
SELECT source, COUNT(*) OVER () AS total
FROM (
  SELECT source, SUM(ABS(dollars)) AS dollars
  FROM marts.revenue_hourly
  WHERE hour >= @since AND hour < @until
  GROUP BY source
) AS by_source
ORDER BY dollars DESC, source
LIMIT @most
