-- Costs of models by day over whole days, in place of the rows before.
MERGE marts.model_costs_daily AS mart
USING (
  SELECT r.day, r.model, r.direct_dollars, r.shared_dollars, r.dollars, r.predictions FROM UNNEST(@costs) AS r
) AS fresh
ON FALSE
WHEN NOT MATCHED BY SOURCE AND mart.day >= @since AND mart.day < @until THEN DELETE
WHEN NOT MATCHED BY TARGET THEN
  INSERT (day, model, direct_dollars, shared_dollars, dollars, predictions)
  VALUES (fresh.day, fresh.model, fresh.direct_dollars, fresh.shared_dollars, fresh.dollars, CAST(fresh.predictions AS INT64))
