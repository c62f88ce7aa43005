-- Data quality issues of a model's window, one row per kind of issue: of each model and window, the rows that were written last, each once.
SELECT
  model, version, issue, issues, features, window_start, window_end, scored_at
FROM `{project}.ops.data_quality_raw`
WHERE TRUE
QUALIFY
  written_at = MAX(written_at) OVER (PARTITION BY model, window_end)
  AND ROW_NUMBER() OVER (PARTITION BY model, window_end, issue ORDER BY written_at DESC) = 1
