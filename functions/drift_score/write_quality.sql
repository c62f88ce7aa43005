-- Data quality issues of one model and window, one row per kind of issue. Replaces the rows written before.
MERGE ops.data_quality AS kept
USING (
  SELECT r.issue, CAST(r.issues AS INT64) AS issues, r.features FROM UNNEST(@issues) AS r
) AS given
ON FALSE
WHEN NOT MATCHED BY SOURCE AND kept.model = @model AND kept.window_end = @window_end THEN DELETE
WHEN NOT MATCHED BY TARGET THEN
  INSERT (model, version, issue, issues, features, window_start, window_end, scored_at)
  VALUES (@model, @version, given.issue, given.issues, given.features, @window_start, @window_end, @window_end)
