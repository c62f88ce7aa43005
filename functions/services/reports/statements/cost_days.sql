-- Costs by day of usage in the week and in the week before, net of credits and without taxes: by service and team (NULL without a label), and as allocated to models.
SELECT dimension, name, day, SUM(dollars) AS dollars
FROM (
  SELECT dimension, IF(dimension = 'service', ServiceName, x_Team) AS name, ChargePeriodStart AS day, x_Dollars AS dollars
  FROM marts.costs_daily
  CROSS JOIN UNNEST(['service', 'team']) AS dimension
  WHERE ChargePeriodStart >= @oldest_day AND ChargePeriodStart < @day_until AND ChargeCategory != 'Tax'
  UNION ALL
  SELECT 'model' AS dimension, model AS name, allocated.day, allocated.dollars
  FROM marts.model_costs_daily AS allocated
  WHERE allocated.day >= @oldest_day AND allocated.day < @day_until
) AS costs
GROUP BY dimension, name, day
ORDER BY dimension, name, day
