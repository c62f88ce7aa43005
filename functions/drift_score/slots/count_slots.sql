-- Counts the rows of a table in up to three spans by model, feature, slot and cell of the models' profiles. Each row is read once, for
-- all models of the table. A slot that is counted again is only written where rows came late: most have none, and every copy is stored
-- and read by the sums.
INSERT INTO ops.cell_counts
  (model, profile, feature, slot_end, cells, n_rows, lowest, highest, clip_low, clip_high, newest, sample_features, sample, batch, counted_at)
WITH
  profiles AS (
    SELECT model, profile, feature, name, is_numeric, origin, edges, categories, clip_low, clip_high, middle, scale
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
    -- Of rows with one id the first counts, as where rows are read: so a slot that was counted loses none to a later copy.
    QUALIFY ROW_NUMBER() OVER (PARTITION BY model, {id} ORDER BY {timestamp}) = 1
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
  -- The part without a name stands for the row as a whole.
  parted AS (
    SELECT
      slotted.model, slotted.{timestamp} AS logged_at, slotted.slot_end_ AS slot_end, slotted.place_,
      slotted.place_ <= sampled.n AS is_sampled, part.name, part.number, part.whole, part.category
    FROM slotted
    JOIN UNNEST(@samples) AS sampled ON sampled.model = slotted.model, UNNEST([
      STRUCT(
        '' AS name, CAST(NULL AS FLOAT64) AS number, CAST(NULL AS INT64) AS whole, CAST(NULL AS STRING) AS category
      ),
      {parts}
    ]) AS part
  ),
  measured AS (
    SELECT
      profiles.model, profiles.profile, profiles.feature, profiles.is_numeric, profiles.edges, profiles.categories,
      profiles.middle, profiles.scale, parted.slot_end, parted.logged_at, parted.place_, parted.is_sampled, parted.category,
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
      IF(is_numeric AND NOT IS_NAN(value) AND NOT IS_INF(value), value, NULL) AS finite
    FROM measured
  ),
  counted AS (
    SELECT
      model, profile, feature, slot_end, bucket,
      COUNT(*) AS n, SUM(finite) AS total, MIN(finite) AS lowest, MAX(finite) AS highest, MAX(logged_at) AS newest
    FROM placed
    GROUP BY model, profile, feature, slot_end, bucket
  ),
  fresh AS (
    SELECT
      model, profile, feature, slot_end, ARRAY_AGG(STRUCT(bucket AS bucket, n AS n, total AS total)) AS cells,
      SUM(n) AS n_rows, MIN(lowest) AS lowest, MAX(highest) AS highest, MAX(newest) AS newest
    FROM counted
    GROUP BY model, profile, feature, slot_end
  ),
  -- Some rows of a slot are its sample: of each value how far it lies from the middle of the reference, over its scale, as a float of 32
  -- bits. Beside its sign that is an exponent, -126 of the smallest ones, and a fraction, which rounds half to even where a number of 53
  -- bits has no place for a half.
  distances AS (
    SELECT
      profile, feature, slot_end, place_,
      IEEE_DIVIDE(IFNULL(SAFE_SUBTRACT(value, middle), IEEE_DIVIDE(value, 0)), scale) AS distance
    FROM (
      SELECT
        profile, feature, slot_end, place_, middle, scale,
        IF(is_numeric, value, CAST({code} AS FLOAT64)) AS value
      FROM measured
      WHERE is_sampled AND scale IS NOT NULL
    )
  ),
  exponents AS (
    SELECT
      profile, feature, slot_end, place_, distance,
      IF(
        ABS(distance) < 3.4028235677973366e38,
        GREATEST(CAST(FLOOR(LOG(GREATEST(ABS(distance), 1e-45), 2)) AS INT64), -126),
        NULL
      ) AS exponent
    FROM distances
  ),
  floats AS (
    SELECT
      profile, feature, slot_end, place_,
      IF(distance < 0, 2147483648, 0) + CASE
        WHEN exponent IS NOT NULL THEN
          (exponent + 126) * 8388608
          + CAST(ABS(distance) / POW(2, exponent - 23) + 4503599627370496.0 AS INT64) - 4503599627370496
        WHEN distance IS NULL OR IS_NAN(distance) THEN 2143289344
        ELSE 2139095040
      END AS bits
    FROM exponents
  ),
  samples AS (
    SELECT
      profile, slot_end,
      STRING_AGG(DISTINCT CAST(feature AS STRING), ',' ORDER BY CAST(feature AS STRING)) AS features,
      FROM_HEX(STRING_AGG(FORMAT('%08x', bits), '' ORDER BY place_, feature)) AS sample
    FROM floats
    GROUP BY profile, slot_end
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
  samples.features, samples.sample, @batch, @counted_at
FROM fresh
JOIN profiles ON profiles.profile = fresh.profile AND profiles.feature = fresh.feature
LEFT JOIN samples ON samples.profile = fresh.profile AND samples.slot_end = fresh.slot_end AND fresh.feature = -2
LEFT JOIN known
ON known.profile = fresh.profile AND known.feature = fresh.feature AND known.slot_end = fresh.slot_end
WHERE known.n_rows IS NULL OR known.n_rows != fresh.n_rows
