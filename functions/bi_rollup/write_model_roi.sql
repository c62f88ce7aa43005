-- The return of every model as of a day. Existing rows of the day are replaced: a rerun changes nothing.
MERGE marts.model_roi AS mart
USING (
  SELECT
    r.model, r.arm, r.basis, r.basis_text, r.verdict, CAST(r.reason AS STRING) AS reason, CAST(r.customers AS INT64) AS customers,
    CAST(r.effect_low AS FLOAT64) AS effect_low, CAST(r.effect_middle AS FLOAT64) AS effect_middle,
    CAST(r.effect_high AS FLOAT64) AS effect_high, CAST(r.effect_low_95 AS FLOAT64) AS effect_low_95,
    CAST(r.effect_high_95 AS FLOAT64) AS effect_high_95, CAST(r.revenue_low AS FLOAT64) AS revenue_low,
    CAST(r.revenue_middle AS FLOAT64) AS revenue_middle, CAST(r.revenue_high AS FLOAT64) AS revenue_high,
    CAST(r.cost AS FLOAT64) AS cost, CAST(r.cost_basis AS STRING) AS cost_basis, r.target, CAST(r.roi_low AS FLOAT64) AS roi_low,
    CAST(r.roi_middle AS FLOAT64) AS roi_middle, CAST(r.roi_high AS FLOAT64) AS roi_high,
    CAST(r.payback_low AS FLOAT64) AS payback_low, CAST(r.payback_middle AS FLOAT64) AS payback_middle,
    CAST(r.payback_high AS FLOAT64) AS payback_high, CAST(r.projection_low AS FLOAT64) AS projection_low,
    CAST(r.projection_middle AS FLOAT64) AS projection_middle, CAST(r.projection_high AS FLOAT64) AS projection_high
  FROM UNNEST(@returns) AS r
) AS fresh
ON FALSE
WHEN NOT MATCHED BY SOURCE AND mart.day = @day THEN DELETE
WHEN NOT MATCHED BY TARGET THEN
  INSERT (
    day, model, arm, basis, basis_text, verdict, reason, customers, effect_low, effect_middle, effect_high, effect_low_95,
    effect_high_95, revenue_low, revenue_middle, revenue_high, cost, cost_basis, target, roi_low, roi_middle, roi_high, payback_low,
    payback_middle, payback_high, projection_low, projection_middle, projection_high
  )
  VALUES (
    @day, fresh.model, fresh.arm, fresh.basis, fresh.basis_text, fresh.verdict, fresh.reason, fresh.customers, fresh.effect_low,
    fresh.effect_middle, fresh.effect_high, fresh.effect_low_95, fresh.effect_high_95, fresh.revenue_low, fresh.revenue_middle,
    fresh.revenue_high, fresh.cost, fresh.cost_basis, fresh.target, fresh.roi_low, fresh.roi_middle, fresh.roi_high,
    fresh.payback_low, fresh.payback_middle, fresh.payback_high, fresh.projection_low, fresh.projection_middle,
    fresh.projection_high
  )
