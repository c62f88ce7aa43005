-- Some rows of each slot of the current windows of some models, as JSON, one a line.
SELECT counts.model, counts.profile, counts.slot_end, counts.sample
FROM ops.cell_counts AS counts
JOIN UNNEST(@lengths) AS wanted ON wanted.model = counts.model
WHERE
  counts.slot_end > @earliest AND counts.slot_end <= @window_end AND counts.feature = -2
  AND counts.slot_end > TIMESTAMP_SUB(@window_end, INTERVAL wanted.seconds SECOND)
QUALIFY ROW_NUMBER() OVER (PARTITION BY counts.profile, counts.slot_end ORDER BY counts.counted_at DESC, counts.batch DESC) = 1
