-- What is wrong with the data of one model and window, one row a flaw, in place of those written before.
MERGE ops.data_quality AS kept
USING (
  SELECT r.flaw, CAST(r.issues AS INT64) AS issues, r.features FROM UNNEST(@issues) AS r
) AS given
ON FALSE
WHEN NOT MATCHED BY SOURCE AND kept.model = @model AND kept.window_end = @window_end THEN DELETE
WHEN NOT MATCHED BY TARGET THEN
  INSERT (model, version, flaw, issues, features, window_start, window_end, scored_at)
  VALUES (@model, @version, given.flaw, given.issues, given.features, @window_start, @window_end, @window_end)
