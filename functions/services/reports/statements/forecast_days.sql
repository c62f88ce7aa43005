-- The days that the newest forecasts of the week forecast, all sources together. Forecasts of older versions have no mean.
SELECT day, SUM(dollars) AS dollars
FROM (
  SELECT day, made_at, COALESCE(mean, middle) AS dollars, MAX(made_at) OVER () AS newest
  FROM ops.revenue_forecasts
  WHERE made_at > @day_since AND made_at <= @day_until
) AS made
WHERE made_at = newest
GROUP BY day
ORDER BY day
