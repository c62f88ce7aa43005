-- Costs a day of some services and of some models, without taxes.
SELECT dimension, name, day, SUM(dollars) AS dollars
FROM (
  SELECT
    dimension, IF(dimension = 'service', ServiceName, x_Model) AS name, ChargePeriodStart AS day, x_Dollars AS dollars
  FROM marts.costs_daily
  CROSS JOIN UNNEST(['service', 'model']) AS dimension
  WHERE ChargePeriodStart >= @since AND ChargePeriodStart < @until AND ChargeCategory != 'Tax'
) AS by_dimension
WHERE (dimension = 'service' AND name IN UNNEST(@services)) OR (dimension = 'model' AND name IN UNNEST(@models))
GROUP BY dimension, name, day
ORDER BY dimension, name, day
