-- Counts the rows of a table in up to three spans by model, feature, slot and cell of the models' profiles. Each row is read once, for
-- all models of the table. A slot that is counted again is only written where rows came late: most have none, and every copy is stored
-- and read by the sums.
INSERT INTO ops.cell_counts
  (model, profile, feature, slot_end, cells, n_rows, lowest, highest, clip_low, clip_high, newest, sample_columns, sample, batch, counted_at)
WITH
  profiles AS (
    SELECT model, profile, feature, name, is_numeric, origin, edges, categories, clip_low, clip_high
    FROM ops.profile_cells
    WHERE profile IN UNNEST(@profiles) AND feature != -1
    QUALIFY ROW_NUMBER() OVER (PARTITION BY profile, feature ORDER BY created_at DESC) = 1
  ),
  logged AS (
    SELECT *{computed}
    FROM {table}
    WHERE
      (
        ({timestamp} >= @new_start AND {timestamp} < @new_end)
        OR ({timestamp} >= @late_start AND {timestamp} < @late_end)
        OR ({timestamp} >= @day_start AND {timestamp} < @day_end)
      )
      AND model IN UNNEST(@models)
    QUALIFY ROW_NUMBER() OVER (PARTITION BY model, {id} ORDER BY {timestamp} DESC) = 1
  ),
  slotted AS (
    SELECT
      *,
      TIMESTAMP_SECONDS((DIV(UNIX_SECONDS({timestamp}), @slot_seconds) + 1) * @slot_seconds) AS slot_end_,
      ROW_NUMBER() OVER (
        PARTITION BY model, DIV(UNIX_SECONDS({timestamp}), @slot_seconds)
        ORDER BY MD5(CAST({id} AS STRING)), CAST({id} AS STRING)
      ) AS place_
    FROM logged
  ),
  -- The part without a name stands for the row as a whole: some rows of a slot are its sample.
  parted AS (
    SELECT
      slotted.model, slotted.{timestamp} AS logged_at, slotted.slot_end_ AS slot_end,
      part.name, part.number, part.whole, part.category
    FROM slotted
    JOIN UNNEST(@samples) AS sampled ON sampled.model = slotted.model, UNNEST([
      STRUCT(
        '' AS name, CAST(NULL AS FLOAT64) AS number, CAST(NULL AS INT64) AS whole,
        IF(slotted.place_ <= sampled.n, CONCAT('[', ARRAY_TO_STRING([{values}], ',', 'null'), ']'), NULL) AS category
      ),
      {parts}
    ]) AS part
  ),
  measured AS (
    SELECT
      profiles.model, profiles.profile, profiles.feature, profiles.is_numeric, profiles.edges, profiles.categories,
      parted.slot_end, parted.logged_at, parted.category,
      -- Of integers the difference is taken first; where it is none of 64 bits, that of floats.
      IF(
        profiles.origin = 0,
        parted.number,
        IFNULL(
          CAST(SAFE_SUBTRACT(parted.whole, profiles.origin) AS FLOAT64),
          parted.number - CAST(profiles.origin AS FLOAT64)
        )
      ) AS value
    FROM parted
    JOIN profiles ON profiles.model = parted.model AND profiles.name = parted.name
  ),
  placed AS (
    SELECT
      model, profile, feature, slot_end, logged_at,
      CASE
        WHEN feature = -2 THEN 0
        WHEN is_numeric AND (value IS NULL OR IS_NAN(value)) THEN -1
        WHEN is_numeric AND IS_INF(value) THEN IF(value < 0, -2, -3)
        WHEN is_numeric THEN IF(ARRAY_LENGTH(edges) > 0, RANGE_BUCKET(value, edges), 0)
        WHEN category IS NULL THEN -1
        WHEN categories[SAFE_ORDINAL(RANGE_BUCKET(category, categories))] = category THEN RANGE_BUCKET(category, categories) - 1
        ELSE ARRAY_LENGTH(categories) + {group}
      END AS bucket,
      IF(is_numeric AND NOT IS_NAN(value) AND NOT IS_INF(value), value, NULL) AS finite,
      IF(feature = -2, category, NULL) AS row_
    FROM measured
  ),
  counted AS (
    SELECT
      model, profile, feature, slot_end, bucket,
      COUNT(*) AS n, SUM(finite) AS total, MIN(finite) AS lowest, MAX(finite) AS highest, MAX(logged_at) AS newest,
      STRING_AGG(row_, "\n") AS sample
    FROM placed
    GROUP BY model, profile, feature, slot_end, bucket
  ),
  fresh AS (
    SELECT
      model, profile, feature, slot_end, ARRAY_AGG(STRUCT(bucket AS bucket, n AS n, total AS total)) AS cells,
      SUM(n) AS n_rows, MIN(lowest) AS lowest, MAX(highest) AS highest, MAX(newest) AS newest, MAX(sample) AS sample
    FROM counted
    GROUP BY model, profile, feature, slot_end
  ),
  known AS (
    SELECT profile, feature, slot_end, n_rows
    FROM ops.cell_counts
    WHERE
      (
        (slot_end > @late_start AND slot_end <= @late_end)
        OR (slot_end > @day_start AND slot_end <= @day_end)
      )
      AND model IN UNNEST(@models)
    QUALIFY ROW_NUMBER() OVER (PARTITION BY profile, feature, slot_end ORDER BY counted_at DESC, batch DESC) = 1
  )
SELECT
  fresh.model, fresh.profile, fresh.feature, fresh.slot_end, fresh.cells, fresh.n_rows, fresh.lowest, fresh.highest,
  profiles.clip_low, profiles.clip_high, fresh.newest,
  IF(fresh.sample IS NULL, NULL, {sample_columns}), fresh.sample, @batch, @counted_at
FROM fresh
JOIN profiles ON profiles.profile = fresh.profile AND profiles.feature = fresh.feature
LEFT JOIN known
ON known.profile = fresh.profile AND known.feature = fresh.feature AND known.slot_end = fresh.slot_end
WHERE known.n_rows IS NULL OR known.n_rows != fresh.n_rows
