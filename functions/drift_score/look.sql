-- The version of a model that is in use at the end of a window, and what it was trained on;
-- how many rows the window has (one that was delivered twice counts twice), and the instant of its newest.
SELECT used.version, used.created_at, used.reference_start, used.reference_end, found.n AS n_rows, found.newest
FROM (
  SELECT COUNT(*) AS n, MAX({timestamp}) AS newest
  FROM {table}
  WHERE {timestamp} >= @window_start AND {timestamp} < @window_end AND model = @model
) AS found
LEFT JOIN (
  SELECT version, created_at, reference_start, reference_end
  FROM ops.model_versions
  WHERE model = @model AND created_at <= @window_end
  ORDER BY created_at DESC, version DESC
  LIMIT 1
) AS used ON TRUE
