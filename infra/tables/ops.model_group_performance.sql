-- Performance of a model by group over one window, and the largest gap between two groups: of each model and window, the rows that were written last, each once.
SELECT
  model, version, segment, segment_value, measure, value, low, high, n_rows, best, worst, p_value, window_start, window_end,
  scored_at
FROM `{project}.ops.model_group_performance_raw`
WHERE TRUE
QUALIFY
  written_at = MAX(written_at) OVER (PARTITION BY model, window_end)
  AND ROW_NUMBER() OVER (PARTITION BY model, window_end, segment, segment_value, measure ORDER BY written_at DESC) = 1
