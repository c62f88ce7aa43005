-- Expected revenue of two days by the newest forecast made between two instants, both included. Forecasts of older versions have
-- no mean.
SELECT source, day, COALESCE(mean, middle) AS mean
FROM ops.revenue_forecasts
WHERE made_at >= @since AND made_at <= @until AND (day = @first OR day = @second)
QUALIFY ROW_NUMBER() OVER (PARTITION BY source, day ORDER BY made_at DESC) = 1
