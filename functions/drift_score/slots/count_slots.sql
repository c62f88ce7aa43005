-- Counts the rows of a table in up to three spans by model, feature, slot and cell of the models' profiles. Each row is read once, for
-- all models of the table.
INSERT INTO ops.cell_counts
  (model, profile, feature, slot_end, cells, lowest, highest, newest, batch, counted_at)
WITH
  profiles AS (
    SELECT model, profile, feature, name, is_numeric, origin, edges, categories
    FROM ops.profile_cells
    WHERE profile IN UNNEST(@profiles) AND feature >= 0
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
  parted AS (
    SELECT
      logged.model,
      logged.{timestamp} AS logged_at,
      TIMESTAMP_SECONDS((DIV(UNIX_SECONDS(logged.{timestamp}), @slot_seconds) + 1) * @slot_seconds) AS slot_end,
      part.name, part.number, part.whole, part.category
    FROM logged, UNNEST([
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
        WHEN is_numeric AND (value IS NULL OR IS_NAN(value)) THEN -1
        WHEN is_numeric AND IS_INF(value) THEN IF(value < 0, -2, -3)
        WHEN is_numeric THEN IF(ARRAY_LENGTH(edges) > 0, RANGE_BUCKET(value, edges), 0)
        WHEN category IS NULL THEN -1
        WHEN categories[SAFE_ORDINAL(RANGE_BUCKET(category, categories))] = category THEN RANGE_BUCKET(category, categories) - 1
        ELSE ARRAY_LENGTH(categories) + {group}
      END AS bucket,
      IF(is_numeric AND NOT IS_NAN(value) AND NOT IS_INF(value), value, NULL) AS finite
    FROM measured
  ),
  counted AS (
    SELECT
      model, profile, feature, slot_end, bucket,
      COUNT(*) AS n, SUM(finite) AS total, MIN(finite) AS lowest, MAX(finite) AS highest, MAX(logged_at) AS newest
    FROM placed
    GROUP BY model, profile, feature, slot_end, bucket
  )
SELECT
  model, profile, feature, slot_end, ARRAY_AGG(STRUCT(bucket AS bucket, n AS n, total AS total)),
  MIN(lowest), MAX(highest), MAX(newest), @batch, @counted_at
FROM counted
GROUP BY model, profile, feature, slot_end
