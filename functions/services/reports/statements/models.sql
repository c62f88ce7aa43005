-- The newest window of each model that ended in the week: which features had drifted, and the newest accuracy.
SELECT
  scored.model, scored.window_end, scored.features, scored.drifted, scored.names,
  measured.accuracy, measured.accuracy_low, measured.accuracy_high
FROM (
  SELECT
    model, window_end,
    COUNT(DISTINCT IF(role = 'feature', feature, NULL)) AS features,
    COUNT(DISTINCT IF(role = 'feature' AND drifted, feature, NULL)) AS drifted,
    STRING_AGG(DISTINCT IF(role = 'feature' AND drifted, feature, NULL), ', ') AS names
  FROM ops.drift_scores
  WHERE window_end > @since AND window_end <= @until
  GROUP BY model, window_end
  QUALIFY ROW_NUMBER() OVER (PARTITION BY model ORDER BY window_end DESC) = 1
) AS scored
LEFT JOIN (
  SELECT model, value AS accuracy, low AS accuracy_low, high AS accuracy_high
  FROM ops.model_performance
  WHERE window_end > @since AND window_end <= @until AND measure = 'accuracy' AND value IS NOT NULL
  QUALIFY ROW_NUMBER() OVER (PARTITION BY model ORDER BY window_end DESC) = 1
) AS measured
ON measured.model = scored.model
ORDER BY scored.model
