-- Forecasts of the revenue of the next 30 days, as made, the newest first.
SELECT made_at, source, low, middle, high, naive, usual_error
FROM ops.revenue_forecast_totals
WHERE made_at >= @since AND made_at < @until
ORDER BY made_at DESC, source
LIMIT @most
