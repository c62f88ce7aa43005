-- The sources that earned most in a span, and how many there are.
SELECT source, COUNT(*) OVER () AS sources
FROM (
  SELECT source, SUM(ABS(dollars)) AS dollars
  FROM marts.revenue_hourly
  WHERE hour >= @since AND hour < @until
  GROUP BY source
) AS earned
ORDER BY dollars DESC, source
LIMIT @most
