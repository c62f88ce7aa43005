-- The newest forecast of 30 days of all sources together that was made within the week or at its end.
SELECT made_at, low, middle, high
FROM ops.revenue_forecast_totals
WHERE made_at > @day_since AND made_at <= @day_until AND source = 'all sources'
ORDER BY made_at DESC
LIMIT 1
