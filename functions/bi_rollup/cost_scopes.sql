-- Costs a day within each scope, without taxes; an empty text of a scope is any.
SELECT key, day, SUM(dollars) AS dollars
FROM (
  SELECT scope.key AS key, costs.ChargePeriodStart AS day, costs.x_Dollars AS dollars
  FROM marts.costs_daily AS costs
  CROSS JOIN UNNEST(@scopes) AS scope
  WHERE costs.ChargePeriodStart >= @since AND costs.ChargePeriodStart < @until AND costs.ChargeCategory != 'Tax'
    AND (scope.model = '' OR scope.model = costs.x_Model) AND (scope.service = '' OR scope.service = costs.ServiceName)
    AND (scope.region = '' OR scope.region = costs.RegionId) AND (scope.resource = '' OR scope.resource = costs.ResourceId)
) AS each_cost
GROUP BY key, day
ORDER BY key, day
