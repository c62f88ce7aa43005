-- The windows that end now, from the slots: those that have moved by slots that came, went or were counted again since the sums before, and
-- those of which there are no sums before, from all their slots. Rows are whole numbers; sums of values are rounded, and summed anew every
-- midnight.
INSERT INTO ops.window_counts (batch, window_end, model, profile, feature, cells)
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
      windows.is_moved, windows.window_start, windows.before_start,
      MAX(counts.counted_at) OVER (PARTITION BY counts.profile, counts.slot_end) AS last_counted_at
    FROM ops.cell_counts AS counts
    JOIN windows ON windows.profile = counts.profile
    WHERE counts.model IN UNNEST(@models) AND ({touched})
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
    SELECT sums.model, sums.profile, sums.feature, sums.cells, 1 AS sign
    FROM ops.window_counts AS sums
    JOIN windows ON windows.profile = sums.profile AND windows.is_moved
    WHERE sums.batch = @before_batch AND sums.window_end = @before_end AND sums.model IN UNNEST(@models)
  ),
  summed AS (
    SELECT
      changes.model, changes.profile, changes.feature, cell.bucket,
      SUM(changes.sign * cell.n) AS n, SUM(changes.sign * cell.total) AS total
    FROM changes, UNNEST(changes.cells) AS cell
    GROUP BY changes.model, changes.profile, changes.feature, cell.bucket
    HAVING SUM(changes.sign * cell.n) != 0
  )
SELECT @batch, @window_end, model, profile, feature, ARRAY_AGG(STRUCT(bucket AS bucket, n AS n, total AS total))
FROM summed
GROUP BY model, profile, feature
