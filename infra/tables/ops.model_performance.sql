-- Performance metrics of a model over one window, from the labels that have arrived: of each model and window, the rows that were written last, each once.
SELECT
  model, version, measure, value, low, high, reference, expected, expected_low, expected_high, expected_labelled,
  n_labels, n_current, window_start, window_end,
  scored_at
FROM `{project}.ops.model_performance_raw`
WHERE TRUE
QUALIFY
  written_at = MAX(written_at) OVER (PARTITION BY model, window_end)
  AND ROW_NUMBER() OVER (PARTITION BY model, window_end, measure ORDER BY written_at DESC) = 1
