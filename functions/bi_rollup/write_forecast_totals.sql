-- All forecasts of totals of some sources made between two instants, both included. Existing rows are replaced: a rerun changes nothing.
MERGE ops.revenue_forecast_totals AS mart
USING (
  SELECT r.made_at, r.source, r.low, r.middle, r.high, r.naive, CAST(r.usual_error AS FLOAT64) AS usual_error
  FROM UNNEST(@totals) AS r
) AS fresh
ON FALSE
WHEN NOT MATCHED BY SOURCE
  AND mart.made_at >= @since AND mart.made_at <= @until AND mart.source IN UNNEST(@sources) THEN DELETE
WHEN NOT MATCHED BY TARGET THEN
  INSERT (made_at, source, low, middle, high, naive, usual_error)
  VALUES (fresh.made_at, fresh.source, fresh.low, fresh.middle, fresh.high, fresh.naive, fresh.usual_error)
