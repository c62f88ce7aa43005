-- Performance by group of one model and window, and the largest gaps, in place of those written before: run again, it changes nothing.
MERGE ops.model_group_performance AS kept
USING (
  SELECT
    r.segment, r.segment_value, r.measure, CAST(r.value AS FLOAT64) AS value, CAST(r.low AS FLOAT64) AS low,
    CAST(r.high AS FLOAT64) AS high, CAST(r.n_rows AS INT64) AS n_rows, r.best, r.worst,
    CAST(r.p_value AS FLOAT64) AS p_value
  FROM UNNEST(@groups) AS r
) AS given
ON FALSE
WHEN NOT MATCHED BY SOURCE AND kept.model = @model AND kept.window_end = @window_end THEN DELETE
WHEN NOT MATCHED BY TARGET THEN
  INSERT (
    model, version, segment, segment_value, measure, value, low, high, n_rows, best, worst, p_value, window_start,
    window_end, scored_at
  )
  VALUES (
    @model, @version, given.segment, given.segment_value, given.measure, given.value, given.low, given.high,
    given.n_rows, given.best, given.worst, given.p_value, @window_start, @window_end, @window_end
  )
