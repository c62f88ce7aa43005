-- The newest scored window of each model, one row a feature and test; the model's own scores are no feature.
SELECT model, version, feature, test, value, p_value, drifted, reason, n_reference, n_current, window_start, window_end
FROM ops.drift_scores
WHERE window_end >= @since AND model IN UNNEST(@models) AND role != 'prediction'
QUALIFY window_end = MAX(window_end) OVER (PARTITION BY model)
ORDER BY model, feature, test
