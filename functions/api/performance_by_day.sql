-- The performance metrics of models by day: of the windows that end on a day, the last.
SELECT
  model, measure, DATE(window_end) AS day, value, low, high, reference, expected, expected_low, expected_high, n_labels,
  n_current, window_end
FROM ops.model_performance
WHERE window_end >= @since AND window_end < @until AND model IN UNNEST(@models)
QUALIFY window_end = MAX(window_end) OVER (PARTITION BY model, DATE(window_end))
ORDER BY model, day, measure
