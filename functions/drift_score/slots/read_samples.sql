-- Some rows of the current windows of some models in the order of time, a line each, by the columns that they have. Slots that were counted
-- before samples had columns are passed over.
WITH
  newest AS (
    SELECT counts.profile, counts.slot_end, counts.sample_columns, counts.sample
    FROM ops.cell_counts AS counts
    JOIN UNNEST(@lengths) AS wanted ON wanted.model = counts.model
    WHERE
      counts.slot_end > @earliest AND counts.slot_end <= @window_end AND counts.feature = -2
      AND counts.slot_end > TIMESTAMP_SUB(@window_end, INTERVAL wanted.seconds SECOND)
    QUALIFY ROW_NUMBER() OVER (PARTITION BY counts.profile, counts.slot_end ORDER BY counts.counted_at DESC, counts.batch DESC) = 1
  )
SELECT profile, sample_columns, STRING_AGG(sample, "\n" ORDER BY slot_end) AS sample
FROM newest
WHERE sample_columns IS NOT NULL
GROUP BY profile, sample_columns
ORDER BY profile, MIN(slot_end)
