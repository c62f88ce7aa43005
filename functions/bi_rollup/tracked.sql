-- Each day of a span with what was earned on it and what the newest forecast made before it had expected. Where sources are
-- named, the rest is one more, 'other'. Forecasts of an older version have no mean.
SELECT
  made.source, made.day, made.low, made.middle, made.high, COALESCE(made.mean, made.middle) AS mean,
  COALESCE(found.dollars, 0.0) AS actual
FROM (
  SELECT source, day, low, middle, high, mean
  FROM ops.revenue_forecasts
  WHERE made_at >= @oldest AND made_at < @until AND made_at <= day AND day >= @since AND day < @until
    AND (ARRAY_LENGTH(@sources) = 0 OR source IN UNNEST(@sources) OR source = 'other')
  QUALIFY ROW_NUMBER() OVER (PARTITION BY source, day ORDER BY made_at DESC) = 1
) AS made
LEFT JOIN (
  SELECT source, day, SUM(dollars) AS dollars
  FROM (
    SELECT
      IF(ARRAY_LENGTH(@sources) = 0 OR source IN UNNEST(@sources), source, 'other') AS source,
      TIMESTAMP_TRUNC(hour, DAY) AS day, dollars
    FROM marts.revenue_hourly
    WHERE hour >= @since AND hour < @until
  ) AS earned
  GROUP BY source, day
) AS found
ON found.source = made.source AND found.day = made.day
ORDER BY made.source, made.day
