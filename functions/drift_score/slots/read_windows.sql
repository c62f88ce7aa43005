-- The summed windows of some models, with their extremes and their newest row.
SELECT
  model, profile, feature,
  TO_JSON_STRING(ARRAY(SELECT cell.bucket FROM UNNEST(cells) AS cell ORDER BY cell.bucket)) AS buckets,
  TO_JSON_STRING(ARRAY(SELECT cell.n FROM UNNEST(cells) AS cell ORDER BY cell.bucket)) AS counts,
  TO_JSON_STRING(ARRAY(SELECT IFNULL(cell.total, 0) FROM UNNEST(cells) AS cell ORDER BY cell.bucket)) AS totals,
  (SELECT MIN(low.value) FROM UNNEST(lows) AS low) AS lowest,
  (SELECT MAX(high.value) FROM UNNEST(highs) AS high) AS highest,
  newest
FROM ops.window_counts
WHERE batch = @batch AND window_end = @window_end AND model IN UNNEST(@models)
