-- The summed windows of some models, with the extremes and the newest row of their slots. Extremes cannot be subtracted, so they are read
-- from the slots: a few bytes each.
SELECT
  sums.model, sums.profile, sums.feature,
  TO_JSON_STRING(ARRAY(SELECT cell.bucket FROM UNNEST(sums.cells) AS cell ORDER BY cell.bucket)) AS buckets,
  TO_JSON_STRING(ARRAY(SELECT cell.n FROM UNNEST(sums.cells) AS cell ORDER BY cell.bucket)) AS counts,
  TO_JSON_STRING(ARRAY(SELECT IFNULL(cell.total, 0) FROM UNNEST(sums.cells) AS cell ORDER BY cell.bucket)) AS totals,
  extremes.lowest, extremes.highest, extremes.newest
FROM ops.window_counts AS sums
LEFT JOIN (
  SELECT counts.profile, counts.feature, MIN(counts.lowest) AS lowest, MAX(counts.highest) AS highest, MAX(counts.newest) AS newest
  FROM ops.cell_counts AS counts
  JOIN UNNEST(@lengths) AS wanted ON wanted.model = counts.model
  WHERE
    counts.model IN UNNEST(@models)
    AND counts.slot_end > @earliest AND counts.slot_end <= @window_end
    AND counts.slot_end > TIMESTAMP_SUB(@window_end, INTERVAL wanted.seconds SECOND)
  GROUP BY counts.profile, counts.feature
) AS extremes
ON extremes.profile = sums.profile AND extremes.feature = sums.feature
WHERE sums.batch = @batch AND sums.window_end = @window_end AND sums.model IN UNNEST(@models)
