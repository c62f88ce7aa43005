-- The version of a model in use at the end of a window, with its training period, the number of rows of the window (duplicates
-- included), and the instant of the newest row.
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
