-- The one view on the billing export, in the columns of FOCUS 1.2 (https://focus.finops.org); columns of ours begin with x_. A line of
-- the export is a row, and what is credited for it is another one, negative, of the category Credit. `EffectiveCost` of a charge is net
-- of its credits, and that of the credits is 0: both columns have the same sum. `x_Dollars` is that in US dollars by the conversion rate
-- of the line, and is NULL where an amount or the rate is not valid. Parameters: `day_since` and `day_until`, days of usage (UTC), and
-- `exported_until`: lines that are exported later are left to the next run, so that a tick which comes twice writes the same.
SELECT
  ChargePeriodStart, BillingPeriodStart, BillingAccountId, SubAccountId, ServiceName, RegionId, ResourceId, BillingCurrency,
  IF(part = 'credit', 'Credit', category) AS ChargeCategory,
  IF(part = 'credit', credited, charged) AS BilledCost,
  IF(part = 'credit', 0.0, charged + credited) AS EffectiveCost,
  IF(part = 'credit', 0.0, listed) AS ListCost,
  x_Model, x_Pipeline, x_Team,
  IF(part = 'credit', 0.0, (charged + credited) / rate) AS x_Dollars,
  exported_at
FROM (
  SELECT
    TIMESTAMP_TRUNC(used_at, DAY) AS ChargePeriodStart, BillingPeriodStart, BillingAccountId, SubAccountId, ServiceName, RegionId,
    ResourceId, BillingCurrency, category,
    IF(IS_NAN(charged) OR IS_INF(charged), NULL, charged) AS charged,
    IF(IS_NAN(credited) OR IS_INF(credited), NULL, credited) AS credited,
    IF(IS_NAN(listed) OR IS_INF(listed), NULL, listed) AS listed,
    CASE WHEN BillingCurrency = 'USD' THEN 1.0 WHEN rate > 0 AND NOT IS_INF(rate) AND NOT IS_NAN(rate) THEN rate END AS rate,
    has_credits, x_Model, x_Pipeline, x_Team, exported_at
  FROM (
    SELECT
      COALESCE(line.usage_start_time, line.export_time) AS used_at,
      SAFE.PARSE_TIMESTAMP('%Y%m', line.invoice.month) AS BillingPeriodStart,
      line.billing_account_id AS BillingAccountId, line.project.id AS SubAccountId,
      COALESCE(line.service.description, 'unknown') AS ServiceName, line.location.region AS RegionId,
      {billing[resource]} AS ResourceId, COALESCE(line.currency, 'USD') AS BillingCurrency,
      CASE
        WHEN line.cost_type = 'tax' THEN 'Tax'
        WHEN COALESCE(line.cost_type, 'regular') != 'regular' THEN 'Adjustment'
        WHEN STARTS_WITH(line.sku.description, 'Commitment') THEN 'Purchase'
        ELSE 'Usage'
      END AS category,
      SAFE_CAST(line.cost AS FLOAT64) AS charged,
      COALESCE((SELECT SUM(SAFE_CAST(credit.amount AS FLOAT64)) FROM UNNEST(line.credits) AS credit), 0.0) AS credited,
      ARRAY_LENGTH(line.credits) > 0 AS has_credits,
      COALESCE(SAFE_CAST(line.cost_at_list AS FLOAT64), SAFE_CAST(line.cost AS FLOAT64)) AS listed,
      SAFE_CAST(line.currency_conversion_rate AS FLOAT64) AS rate,
      {billing[model]} AS x_Model, {billing[pipeline]} AS x_Pipeline, {billing[team]} AS x_Team,
      line.export_time AS exported_at
    FROM {billing[table]} AS line
    WHERE line.{billing[partition]} >= TIMESTAMP_SUB(@day_since, INTERVAL {billing[early_days]} DAY)
      AND line.export_time < @exported_until
  ) AS each_line
  WHERE used_at >= @day_since AND used_at < @day_until
) AS each_charge
CROSS JOIN UNNEST(IF(has_credits, ['charge', 'credit'], ['charge'])) AS part
