-- The performance of every group in the newest window of each model, and the largest gap between two groups (segment_value is NULL).
SELECT model, segment, segment_value, measure, value, low, high, n_rows, best, worst
FROM ops.model_group_performance
WHERE window_end >= @since AND model IN UNNEST(@models)
QUALIFY window_end = MAX(window_end) OVER (PARTITION BY model)
ORDER BY model, segment, measure, segment_value
