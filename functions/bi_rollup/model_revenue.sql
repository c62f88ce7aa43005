-- Net revenue of the orders of each model, between two days.
SELECT value AS model, SUM(net) AS dollars
FROM marts.revenue_by_dimension_daily
WHERE day >= @since AND day < @until AND dimension = 'model'
GROUP BY value
ORDER BY value
