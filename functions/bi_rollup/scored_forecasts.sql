-- The actual revenue of each day with the newest forecast made before it. Forecasts of older versions have no mean.
SELECT
  forecast.source, forecast.day, forecast.low, forecast.middle, forecast.high,
  COALESCE(forecast.mean, forecast.middle) AS mean, COALESCE(revenue.dollars, 0.0) AS actual
FROM (
  SELECT source, day, low, middle, high, mean
  FROM ops.revenue_forecasts
  WHERE made_at >= @oldest AND made_at < @until AND made_at <= day AND day >= @since AND day < @until
    AND (ARRAY_LENGTH(@sources) = 0 OR source IN UNNEST(@sources) OR source = 'other')
  QUALIFY ROW_NUMBER() OVER (PARTITION BY source, day ORDER BY made_at DESC) = 1
) AS forecast
LEFT JOIN (
  {revenue_by_day}
) AS revenue
ON revenue.source = forecast.source AND revenue.day = forecast.day
ORDER BY forecast.source, forecast.day
