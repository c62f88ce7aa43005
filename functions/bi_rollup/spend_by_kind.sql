-- Spend by kind between two instants, and the number of amounts that are left out because they are not valid: missing, not finite, or
-- text that is no number.
SELECT kind, SUM(IF(valid, dollars, NULL)) AS dollars, COUNTIF(NOT valid) AS missing_amount
FROM (
  SELECT kind, dollars, dollars IS NOT NULL AND NOT IS_NAN(dollars) AND NOT IS_INF(dollars) AS valid
  FROM (
    SELECT
      COALESCE(CAST(spent.{spending[kind]} AS STRING), 'unknown') AS kind,
      SAFE_CAST(spent.{spending[amount]} AS FLOAT64) AS dollars
    FROM {spending[table]} AS spent
    WHERE spent.{spending[timestamp]} >= @since AND spent.{spending[timestamp]} < @until AND {spending[counts]}
  ) AS each_row
) AS each_amount
GROUP BY kind
ORDER BY kind
