-- The summed windows of some models: rows by bucket from -3 on, and the sums of the values below, between and above the two cells where values
-- are clipped for the mean. Sums by cell would be five times the text, and more than all else that is read.
SELECT
  sums.model, sums.profile, sums.feature, sums.newest,
  ARRAY_TO_STRING(
    ARRAY(
      SELECT CAST(IFNULL(cell.n, 0) AS STRING)
      FROM UNNEST(GENERATE_ARRAY(-3, (SELECT MAX(cell.bucket) FROM UNNEST(sums.cells) AS cell))) AS place
      LEFT JOIN UNNEST(sums.cells) AS cell ON cell.bucket = place
      ORDER BY place
    ),
    ','
  ) AS counts,
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
FROM ops.window_counts AS sums
WHERE sums.batch = @batch AND sums.window_end = @window_end AND sums.model IN UNNEST(@models)
