-- The version of a model in use at the end of a window, with its reference window, the number of rows of the window (duplicates
-- included), and the instant of the newest row.
SELECT used.version, used.in_use_from, used.reference_start, used.reference_end, found.n AS n_rows, found.newest
FROM (
  SELECT COUNT(*) AS n, MAX({timestamp}) AS newest
  FROM {table}
  WHERE {timestamp} >= @window_start AND {timestamp} < @window_end AND model = @model
) AS found
LEFT JOIN (
  SELECT version, in_use_from, reference_start, reference_end
  FROM ops.model_versions_in_use
  WHERE model = @model AND in_use_from <= @window_end
  ORDER BY in_use_from DESC, version DESC
  LIMIT 1
) AS used ON TRUE
