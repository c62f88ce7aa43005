-- All measures of one model and window, in place of those written before: run again, it changes nothing.
MERGE ops.model_performance AS kept
USING (
  SELECT
    r.measure, CAST(r.value AS FLOAT64) AS value, CAST(r.low AS FLOAT64) AS low, CAST(r.high AS FLOAT64) AS high,
    CAST(r.reference AS FLOAT64) AS reference, CAST(r.expected AS FLOAT64) AS expected,
    CAST(r.expected_low AS FLOAT64) AS expected_low, CAST(r.expected_high AS FLOAT64) AS expected_high,
    CAST(r.expected_labelled AS FLOAT64) AS expected_labelled
  FROM UNNEST(@measures) AS r
) AS given
ON FALSE
WHEN NOT MATCHED BY SOURCE AND kept.model = @model AND kept.window_end = @window_end THEN DELETE
WHEN NOT MATCHED BY TARGET THEN
  INSERT (
    model, version, measure, value, low, high, reference, expected, expected_low, expected_high, expected_labelled,
    n_labels, n_current, window_start, window_end, scored_at
  )
  VALUES (
    @model, @version, given.measure, given.value, given.low, given.high, given.reference, given.expected,
    given.expected_low, given.expected_high, given.expected_labelled, @n_labels, @n_current, @window_start, @window_end, @window_end
  )
