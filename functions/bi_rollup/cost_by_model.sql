-- The cost of each model between two days, direct and shared; the unallocated costs are a row of that name.
SELECT model, SUM(dollars) AS dollars, SUM(predictions) AS predictions, COUNTIF(predictions IS NULL) AS days_without_count
FROM marts.model_costs_daily
WHERE day >= @since AND day < @until
GROUP BY model
ORDER BY model
