-- All rows of one model and window, in place of those written before: run again, it changes nothing.
MERGE ops.drift_scores AS kept
USING (
  SELECT
    r.role, r.feature, r.test, CAST(r.value AS FLOAT64) AS value, CAST(r.p_value AS FLOAT64) AS p_value, r.drifted,
    r.reason
  FROM UNNEST(@scores) AS r
) AS given
ON FALSE
WHEN NOT MATCHED BY SOURCE AND kept.model = @model AND kept.window_end = @window_end THEN DELETE
WHEN NOT MATCHED BY TARGET THEN
  INSERT (
    model, version, role, feature, test, value, p_value, drifted, reason, mode, n_reference, n_current, window_start,
    window_end, scored_at
  )
  VALUES (
    @model, @version, given.role, given.feature, given.test, given.value, given.p_value, given.drifted, given.reason,
    @mode, @n_reference, @n_current, @window_start, @window_end, @window_end
  )
