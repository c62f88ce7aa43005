-- The accuracy of one model and window, in place of what was written before: run again, it changes nothing.
MERGE ops.model_performance AS kept
USING (SELECT CAST(@value AS FLOAT64) AS value) AS given
ON kept.model = @model AND kept.window_end = @window_end AND kept.measure = 'accuracy'
WHEN MATCHED THEN
  UPDATE SET version = @version, value = given.value, n_labels = @n_labels, n_current = @n_current,
    window_start = @window_start
WHEN NOT MATCHED THEN
  INSERT (model, version, measure, value, n_labels, n_current, window_start, window_end, scored_at)
  VALUES (@model, @version, 'accuracy', given.value, @n_labels, @n_current, @window_start, @window_end, @window_end)
