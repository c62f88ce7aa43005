-- The costs of a model by day.
SELECT DATE(day) AS day, dollars
FROM marts.model_costs_daily
WHERE day >= @since AND model = @model
ORDER BY day
