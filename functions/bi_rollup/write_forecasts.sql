-- All forecasts of some sources made at the instants of a span, in place of those written before: run again, it changes
-- nothing.
MERGE ops.revenue_forecasts AS kept
USING (SELECT r.made_at, r.source, r.day, r.low, r.middle, r.high, r.mean FROM UNNEST(@forecasts) AS r) AS given
ON FALSE
WHEN NOT MATCHED BY SOURCE
  AND kept.made_at >= @since AND kept.made_at <= @until AND kept.source IN UNNEST(@sources) THEN DELETE
WHEN NOT MATCHED BY TARGET THEN
  INSERT (made_at, source, day, low, middle, high, mean)
  VALUES (given.made_at, given.source, given.day, given.low, given.middle, given.high, given.mean)
