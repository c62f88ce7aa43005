-- Costs of some days of usage. Existing rows are replaced: a rerun, or a later one, writes what the export says by then.
MERGE marts.costs_daily AS mart
USING (
  SELECT
    ChargePeriodStart, BillingPeriodStart, BillingAccountId, SubAccountId, ServiceName, RegionId, ResourceId, BillingCurrency,
    ChargeCategory, x_Model, x_Pipeline, x_Team, COALESCE(SUM(BilledCost), 0.0) AS BilledCost,
    COALESCE(SUM(EffectiveCost), 0.0) AS EffectiveCost, SUM(ListCost) AS ListCost, COALESCE(SUM(x_Dollars), 0.0) AS x_Dollars,
    COUNT(*) AS x_Rows, COUNTIF(BilledCost IS NULL) AS x_InvalidAmounts,
    COUNTIF(EffectiveCost IS NOT NULL AND x_Dollars IS NULL) AS x_InvalidRates, MAX(exported_at) AS x_ExportedAt
  FROM (
    {billing_rows}
  ) AS billing_rows
  WHERE ChargePeriodStart IN UNNEST(@days)
  GROUP BY
    ChargePeriodStart, BillingPeriodStart, BillingAccountId, SubAccountId, ServiceName, RegionId, ResourceId, BillingCurrency,
    ChargeCategory, x_Model, x_Pipeline, x_Team
) AS fresh
ON FALSE
WHEN NOT MATCHED BY SOURCE AND mart.ChargePeriodStart >= @day_since AND mart.ChargePeriodStart < @day_until
  AND mart.ChargePeriodStart IN UNNEST(@days) THEN DELETE
WHEN NOT MATCHED BY TARGET THEN
  INSERT (
    ChargePeriodStart, BillingPeriodStart, BillingAccountId, SubAccountId, ServiceName, RegionId, ResourceId, BillingCurrency,
    ChargeCategory, x_Model, x_Pipeline, x_Team, BilledCost, EffectiveCost, ListCost, x_Dollars, x_Rows, x_InvalidAmounts,
    x_InvalidRates, x_ExportedAt
  )
  VALUES (
    fresh.ChargePeriodStart, fresh.BillingPeriodStart, fresh.BillingAccountId, fresh.SubAccountId, fresh.ServiceName,
    fresh.RegionId, fresh.ResourceId, fresh.BillingCurrency, fresh.ChargeCategory, fresh.x_Model, fresh.x_Pipeline,
    fresh.x_Team, fresh.BilledCost, fresh.EffectiveCost, fresh.ListCost, fresh.x_Dollars, fresh.x_Rows,
    fresh.x_InvalidAmounts, fresh.x_InvalidRates, fresh.x_ExportedAt
  )
