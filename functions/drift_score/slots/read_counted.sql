-- The summed windows of some models with some of their rows: a row a model, so that each is scored, and forgotten, while the next ones are
-- on their way. Of each feature: rows by bucket from -3 on, as whole numbers of 2 bytes, of 8 where one is too large; and the sums of the values
-- below, between and above the two cells where values are clipped for the mean. Sums by cell would be five times the text, and more than all
-- else that is read. Of the rows as a whole: some of them in the order of time, by the features that they have, one float of 32 bits a feature.
WITH
  sums AS (
    SELECT
      kept.model, kept.profile, kept.feature, kept.cells, kept.clip_low, kept.clip_high, kept.lows, kept.highs, kept.newest, kept.samples,
      (SELECT MAX(cell.n) FROM UNNEST(kept.cells) AS cell) AS most,
      (SELECT SUM(cell.n) FROM UNNEST(kept.cells) AS cell) AS n_rows
    FROM ops.window_counts AS kept
    WHERE kept.batch = @batch AND kept.window_end = @window_end AND kept.model IN UNNEST(@models)
  ),
  features AS (
    SELECT
      sums.model, sums.profile, sums.feature, sums.newest, sums.n_rows, IF(sums.most < 65536, 2, 8) AS width,
      TO_BASE64(FROM_HEX(ARRAY_TO_STRING(
        ARRAY(
          SELECT FORMAT(IF(sums.most < 65536, '%04x', '%016x'), GREATEST(IFNULL(cell.n, 0), 0))
          FROM UNNEST(sums.cells) AS cell WITH OFFSET AS place
          ORDER BY place
        ),
        ''
      ))) AS counts,
      (
        SELECT IFNULL(SUM(cell.total), 0)
        FROM UNNEST(sums.cells) AS cell WITH OFFSET AS place
        WHERE place >= 3 AND place <= sums.clip_low + 3
      ) AS low_total,
      (
        SELECT IFNULL(SUM(cell.total), 0)
        FROM UNNEST(sums.cells) AS cell WITH OFFSET AS place
        WHERE place > sums.clip_low + 3 AND place <= sums.clip_high + 3
      ) AS middle_total,
      (
        SELECT IFNULL(SUM(cell.total), 0)
        FROM UNNEST(sums.cells) AS cell WITH OFFSET AS place
        WHERE place > sums.clip_high + 3
      ) AS high_total,
      (SELECT MIN(low.value) FROM UNNEST(sums.lows) AS low) AS lowest,
      (SELECT MAX(high.value) FROM UNNEST(sums.highs) AS high) AS highest
    FROM sums
  ),
  counted AS (
    SELECT model, ANY_VALUE(profile) AS profile, MAX(newest) AS newest, ARRAY_AGG(features) AS features
    FROM features
    GROUP BY model
  ),
  samples AS (
    SELECT
      sums.model, part.features AS sample_features, MIN(slot.slot_end) AS since,
      TO_BASE64(FROM_HEX(STRING_AGG(TO_HEX(slot.sample), '' ORDER BY slot.slot_end))) AS sample
    FROM sums, UNNEST(sums.samples) AS part, UNNEST(part.slots) AS slot
    GROUP BY sums.model, part.features
  ),
  sampled AS (
    SELECT model, ARRAY_AGG(samples ORDER BY since) AS parts
    FROM samples
    GROUP BY model
  )
SELECT counted.model, counted.profile, counted.newest, counted.features, sampled.parts
FROM counted
LEFT JOIN sampled ON sampled.model = counted.model
