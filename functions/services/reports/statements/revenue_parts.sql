-- Net revenue of the week and of the week before, by dimension and value.
SELECT
  dimension, value, COALESCE(SUM(IF(day >= @day_since, net, NULL)), 0.0) AS dollars,
  COALESCE(SUM(IF(day < @day_since, net, NULL)), 0.0) AS dollars_before
FROM marts.revenue_by_dimension_daily
WHERE day >= @oldest_day AND day < @day_until
GROUP BY dimension, value
ORDER BY dimension, dollars DESC, value
