-- The summed windows of some models: rows by bucket from -3 on, as whole numbers of 2 bytes, of 8 where one is too large; and the sums of the
-- values below, between and above the two cells where values are clipped for the mean. Sums by cell would be five times the text, and more than
-- all else that is read.
WITH
  sums AS (
    SELECT
      kept.model, kept.profile, kept.feature, kept.cells, kept.clip_low, kept.clip_high, kept.lows, kept.highs, kept.newest,
      (SELECT MAX(cell.n) FROM UNNEST(kept.cells) AS cell) AS most,
      (SELECT SUM(cell.n) FROM UNNEST(kept.cells) AS cell) AS n_rows
    FROM ops.window_counts AS kept
    WHERE kept.batch = @batch AND kept.window_end = @window_end AND kept.model IN UNNEST(@models)
  )
SELECT
  sums.model, sums.profile, sums.feature, sums.newest, sums.n_rows, IF(sums.most < 65536, 2, 8) AS width,
  TO_BASE64(FROM_HEX(ARRAY_TO_STRING(
    ARRAY(
      SELECT FORMAT(IF(sums.most < 65536, '%04x', '%016x'), GREATEST(IFNULL(cell.n, 0), 0))
      FROM UNNEST(GENERATE_ARRAY(-3, (SELECT MAX(cell.bucket) FROM UNNEST(sums.cells) AS cell))) AS place
      LEFT JOIN UNNEST(sums.cells) AS cell ON cell.bucket = place
      ORDER BY place
    ),
    ''
  ))) AS counts,
  (
    SELECT IFNULL(SUM(cell.total), 0)
    FROM UNNEST(sums.cells) AS cell
    WHERE cell.bucket >= 0 AND cell.bucket <= sums.clip_low
  ) AS low_total,
  (
    SELECT IFNULL(SUM(cell.total), 0)
    FROM UNNEST(sums.cells) AS cell
    WHERE cell.bucket > sums.clip_low AND cell.bucket <= sums.clip_high
  ) AS middle_total,
  (
    SELECT IFNULL(SUM(cell.total), 0)
    FROM UNNEST(sums.cells) AS cell
    WHERE cell.bucket > sums.clip_high
  ) AS high_total,
  (SELECT MIN(low.value) FROM UNNEST(sums.lows) AS low) AS lowest,
  (SELECT MAX(high.value) FROM UNNEST(sums.highs) AS high) AS highest
FROM sums
