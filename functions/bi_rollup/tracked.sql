-- Each day of a span with what was earned on it and what the newest forecast made before it had expected.
SELECT made.source, made.day, made.low, made.middle, made.high, COALESCE(found.dollars, 0.0) AS actual
FROM (
  SELECT source, day, low, middle, high
  FROM ops.revenue_forecasts
  WHERE made_at >= @oldest AND made_at < @until AND made_at <= day AND day >= @since AND day < @until
  QUALIFY ROW_NUMBER() OVER (PARTITION BY source, day ORDER BY made_at DESC) = 1
) AS made
LEFT JOIN (
  SELECT source, TIMESTAMP_TRUNC(hour, DAY) AS day, SUM(dollars) AS dollars
  FROM marts.revenue_hourly
  WHERE hour >= @since AND hour < @until
  GROUP BY source, day
) AS found
ON found.source = made.source AND found.day = made.day
ORDER BY made.source, made.day
