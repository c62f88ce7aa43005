-- Drift statistics by model, feature and window: of each model and window, the rows that were written last, each once.
SELECT
  model, version, role, feature, test, value, p_value, drifted, reason, mode, n_reference, n_current, window_start,
  window_end, scored_at
FROM `{project}.ops.drift_scores_raw`
WHERE TRUE
QUALIFY
  written_at = MAX(written_at) OVER (PARTITION BY model, window_end)
  AND ROW_NUMBER() OVER (PARTITION BY model, window_end, role, feature, test ORDER BY written_at DESC) = 1
