-- Some rows of the current windows of some models in the order of time, by the features that they have: one float of 32 bits a feature.
WITH
  newest AS (
    SELECT counts.profile, counts.slot_end, counts.sample_features, counts.sample
    FROM ops.cell_counts AS counts
    JOIN UNNEST(@lengths) AS wanted ON wanted.model = counts.model
    WHERE
      counts.slot_end > @earliest AND counts.slot_end <= @window_end AND counts.feature = -2
      AND counts.slot_end > TIMESTAMP_SUB(@window_end, INTERVAL wanted.seconds SECOND)
    QUALIFY ROW_NUMBER() OVER (PARTITION BY counts.profile, counts.slot_end ORDER BY counts.counted_at DESC, counts.batch DESC) = 1
  )
SELECT
  profile, sample_features,
  TO_BASE64(FROM_HEX(STRING_AGG(TO_HEX(sample), '' ORDER BY slot_end))) AS sample,
  MIN(slot_end) AS since
FROM newest
WHERE sample_features IS NOT NULL
GROUP BY profile, sample_features
