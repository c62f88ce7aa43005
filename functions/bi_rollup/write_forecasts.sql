-- All forecasts of some sources made between two instants, both included. Existing rows are replaced: a rerun changes nothing.
MERGE ops.revenue_forecasts AS mart
USING (SELECT r.made_at, r.source, r.day, r.low, r.middle, r.high, r.mean FROM UNNEST(@forecasts) AS r) AS fresh
ON FALSE
WHEN NOT MATCHED BY SOURCE
  AND mart.made_at >= @since AND mart.made_at <= @until AND mart.source IN UNNEST(@sources) THEN DELETE
WHEN NOT MATCHED BY TARGET THEN
  INSERT (made_at, source, day, low, middle, high, mean)
  VALUES (fresh.made_at, fresh.source, fresh.day, fresh.low, fresh.middle, fresh.high, fresh.mean)
