-- The forecasts of totals made between two instants, both included.
SELECT made_at, source, low, middle, high, naive, usual_error
FROM ops.revenue_forecast_totals
WHERE made_at >= @since AND made_at <= @until AND (ARRAY_LENGTH(@sources) = 0 OR source IN UNNEST(@sources))
ORDER BY source, made_at
