-- The newest window of each model after an instant and up to another: whether a feature had drifted, and the accuracy.
SELECT scored.model, scored.window_end, scored.drifted, measured.accuracy
FROM (
  SELECT model, window_end, LOGICAL_OR(drifted AND role = 'feature') AS drifted
  FROM ops.drift_scores
  WHERE window_end > @since AND window_end <= @until
  GROUP BY model, window_end
  QUALIFY ROW_NUMBER() OVER (PARTITION BY model ORDER BY window_end DESC) = 1
) AS scored
LEFT JOIN (
  SELECT model, value AS accuracy
  FROM ops.model_performance
  WHERE window_end > @since AND window_end <= @until AND measure = 'accuracy' AND value IS NOT NULL
  QUALIFY ROW_NUMBER() OVER (PARTITION BY model ORDER BY window_end DESC) = 1
) AS measured
ON measured.model = scored.model
