-- Costs a day of what serves models, and of services by region without a label of a model too; without taxes and commitments.
SELECT
  ChargePeriodStart AS day, ServiceName AS service, COALESCE(RegionId, '') AS region, x_Model AS model,
  SUM(x_Dollars) AS dollars
FROM marts.costs_daily
WHERE ChargePeriodStart >= @since AND ChargePeriodStart < @until AND ChargeCategory IN ('Usage', 'Credit', 'Adjustment')
  AND ServiceName IN UNNEST(@services)
GROUP BY day, service, region, model
ORDER BY day, service, region, model
