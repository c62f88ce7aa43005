-- Costs by day and what they are allocated by, between two days. Taxes are apart.
SELECT
  ChargePeriodStart AS day, ServiceName AS service, x_Model AS model, x_Pipeline AS pipeline, x_Team AS team,
  SUM(IF(ChargeCategory = 'Tax', 0.0, x_Dollars)) AS dollars, SUM(IF(ChargeCategory = 'Tax', x_Dollars, 0.0)) AS tax,
  SUM(x_InvalidAmounts) AS missing_amount, SUM(x_InvalidRates) AS invalid_rate
FROM marts.costs_daily
WHERE ChargePeriodStart >= @since AND ChargePeriodStart < @until
GROUP BY day, service, model, pipeline, team
ORDER BY day, service, model, pipeline, team
