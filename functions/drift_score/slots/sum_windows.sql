-- The windows that end now, from the slots: those that have moved by slots that came, went or were counted again since the sums before, and
-- those of which there are no sums before, from all their slots. Rows are whole numbers; sums of values are rounded, and now and
-- then summed anew. Extremes cannot be subtracted: of the slots' minima those are kept that are lower than all later ones, which are a handful, and
-- the first of them is that of the window. The sample of a window is those of its slots. Cells stand one after another from the bucket -3 on, with
-- nulls where there are no rows: their numbers would be a third of the bytes that are moved on and read.
INSERT INTO ops.window_counts 
  (batch, window_end, model, profile, feature, cells, lows, highs, clip_low, clip_high, newest, samples)
WITH
  windows AS (
    SELECT
      wanted.profile, wanted.is_moved,
      TIMESTAMP_SUB(@window_end, INTERVAL wanted.seconds SECOND) AS window_start,
      TIMESTAMP_SUB(@before_end, INTERVAL wanted.seconds SECOND) AS before_start
    FROM UNNEST(@windows) AS wanted
  ),
  slots AS (
    SELECT
      counts.model, counts.profile, counts.feature, counts.slot_end, counts.cells, counts.counted_at, counts.batch,
      counts.lowest, counts.highest, counts.clip_low, counts.clip_high, counts.newest, counts.sample_features, counts.sample,
      windows.is_moved, windows.window_start, windows.before_start,
      MAX(counts.counted_at) OVER (PARTITION BY counts.profile, counts.slot_end) AS last_counted_at
    FROM ops.cell_counts AS counts
    JOIN windows ON windows.profile = counts.profile
    WHERE counts.model IN UNNEST(@models) AND ({touched})
  ),
  sums AS (
    SELECT
      kept.model, kept.profile, kept.feature, kept.lows, kept.highs, kept.clip_low, kept.clip_high, kept.newest, kept.samples,
      windows.window_start,
      ARRAY(
        SELECT AS STRUCT number - 3 AS bucket, cell.n, cell.total
        FROM UNNEST(kept.cells) AS cell WITH OFFSET AS number
        WHERE cell.n IS NOT NULL
      ) AS cells
    FROM ops.window_counts AS kept
    JOIN windows ON windows.profile = kept.profile AND windows.is_moved
    WHERE kept.batch = @before_batch AND kept.window_end = @before_end AND kept.model IN UNNEST(@models)
  ),
  newest AS (
    SELECT *
    FROM slots
    WHERE TRUE
    QUALIFY ROW_NUMBER() OVER (PARTITION BY profile, feature, slot_end ORDER BY counted_at DESC, batch DESC) = 1
  ),
  before AS (
    SELECT *
    FROM slots
    WHERE is_moved AND counted_at <= @before_counted_at
    QUALIFY ROW_NUMBER() OVER (PARTITION BY profile, feature, slot_end ORDER BY counted_at DESC, batch DESC) = 1
  ),
  changes AS (
    SELECT model, profile, feature, cells, 1 AS sign
    FROM newest
    WHERE
      slot_end > window_start AND slot_end <= @window_end
      AND (NOT is_moved OR slot_end > @before_end OR last_counted_at > @before_counted_at)
    UNION ALL
    SELECT model, profile, feature, cells, -1 AS sign
    FROM before
    WHERE
      slot_end > before_start AND slot_end <= @before_end
      AND (slot_end <= window_start OR last_counted_at > @before_counted_at)
    UNION ALL
    SELECT model, profile, feature, cells, 1 AS sign
    FROM sums
  ),
  summed AS (
    SELECT
      changes.model, changes.profile, changes.feature, cell.bucket,
      SUM(changes.sign * cell.n) AS n, SUM(changes.sign * cell.total) AS total
    FROM changes, UNNEST(changes.cells) AS cell
    GROUP BY changes.model, changes.profile, changes.feature, cell.bucket
    HAVING SUM(changes.sign * cell.n) != 0
  ),
  places AS (
    SELECT model, profile, feature, place
    FROM (SELECT model, profile, feature, MAX(bucket) AS highest FROM summed GROUP BY model, profile, feature),
      UNNEST(GENERATE_ARRAY(-3, highest)) AS place
  ),
  totals AS (
    SELECT
      places.model, places.profile, places.feature,
      ARRAY_AGG(STRUCT(summed.n AS n, summed.total AS total) ORDER BY places.place) AS cells
    FROM places
    LEFT JOIN summed ON summed.profile = places.profile AND summed.feature = places.feature AND summed.bucket = places.place
    GROUP BY places.model, places.profile, places.feature
  ),
  seen AS (
    SELECT
      slot.profile, slot.feature, slot.slot_end, slot.lowest, slot.highest, slot.clip_low, slot.clip_high, slot.newest
    FROM newest AS slot
    WHERE slot_end > window_start AND slot_end <= @window_end
    UNION ALL
    SELECT sums.profile, sums.feature, low.slot_end, low.value, NULL, NULL, NULL, NULL
    FROM sums, UNNEST(sums.lows) AS low
    WHERE low.slot_end > sums.window_start
    UNION ALL
    SELECT sums.profile, sums.feature, high.slot_end, NULL, high.value, NULL, NULL, NULL
    FROM sums, UNNEST(sums.highs) AS high
    WHERE high.slot_end > sums.window_start
    UNION ALL
    SELECT sums.profile, sums.feature, @before_end, NULL, NULL, sums.clip_low, sums.clip_high, sums.newest
    FROM sums
  ),
  extremes AS (
    SELECT
      profile, feature, slot_end, MIN(lowest) AS lowest, MAX(highest) AS highest,
      MAX(clip_low) AS clip_low, MAX(clip_high) AS clip_high, MAX(newest) AS newest
    FROM seen
    GROUP BY profile, feature, slot_end
  ),
  compared AS (
    SELECT
      profile, feature, slot_end, lowest, highest,
      MIN(lowest) OVER (
        PARTITION BY profile, feature ORDER BY slot_end DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
      ) AS later_lowest,
      MAX(highest) OVER (
        PARTITION BY profile, feature ORDER BY slot_end DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
      ) AS later_highest
    FROM extremes
  ),
  lows AS (
    SELECT profile, feature, ARRAY_AGG(STRUCT(slot_end AS slot_end, lowest AS value)) AS lows
    FROM compared
    WHERE lowest IS NOT NULL AND (later_lowest IS NULL OR lowest < later_lowest)
    GROUP BY profile, feature
  ),
  highs AS (
    SELECT profile, feature, ARRAY_AGG(STRUCT(slot_end AS slot_end, highest AS value)) AS highs
    FROM compared
    WHERE highest IS NOT NULL AND (later_highest IS NULL OR highest > later_highest)
    GROUP BY profile, feature
  ),
  last AS (
    SELECT profile, feature, MAX(clip_low) AS clip_low, MAX(clip_high) AS clip_high, MAX(newest) AS newest
    FROM extremes
    GROUP BY profile, feature
  ),
  sampled AS (
    SELECT profile, feature, slot_end, sample_features, sample, 1 AS place
    FROM newest
    WHERE slot_end > window_start AND slot_end <= @window_end AND sample IS NOT NULL
    UNION ALL
    SELECT sums.profile, sums.feature, slot.slot_end, part.features, slot.sample, 2 AS place
    FROM sums, UNNEST(sums.samples) AS part, UNNEST(part.slots) AS slot
    WHERE slot.slot_end > sums.window_start
  ),
  parts AS (
    SELECT profile, feature, sample_features, ARRAY_AGG(STRUCT(slot_end AS slot_end, sample AS sample)) AS slots
    FROM (
      SELECT *
      FROM sampled
      WHERE TRUE
      QUALIFY ROW_NUMBER() OVER (PARTITION BY profile, feature, slot_end ORDER BY place) = 1
    )
    GROUP BY profile, feature, sample_features
  ),
  samples AS (
    SELECT profile, feature, ARRAY_AGG(STRUCT(sample_features AS features, slots AS slots)) AS samples
    FROM parts
    GROUP BY profile, feature
  )
SELECT
  @batch, @window_end, totals.model, totals.profile, totals.feature, totals.cells, lows.lows, highs.highs,
  last.clip_low, last.clip_high, last.newest, samples.samples
FROM totals
LEFT JOIN lows ON lows.profile = totals.profile AND lows.feature = totals.feature
LEFT JOIN highs ON highs.profile = totals.profile AND highs.feature = totals.feature
LEFT JOIN last ON last.profile = totals.profile AND last.feature = totals.feature
LEFT JOIN samples ON samples.profile = totals.profile AND samples.feature = totals.feature
