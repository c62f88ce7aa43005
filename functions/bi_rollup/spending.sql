-- What was spent between two instants, by what for, and of how many amounts nothing is known: those that are no number are
-- left out.
SELECT kind, SUM(IF(known, dollars, NULL)) AS dollars, COUNTIF(NOT known) AS without_amount
FROM (
  SELECT kind, dollars, dollars IS NOT NULL AND NOT IS_NAN(dollars) AND NOT IS_INF(dollars) AS known
  FROM (
    SELECT COALESCE(CAST(spent.{kind} AS STRING), 'unknown') AS kind, CAST(spent.{amount} AS FLOAT64) AS dollars
    FROM {table} AS spent
    WHERE spent.{timestamp} >= @since AND spent.{timestamp} < @until
  ) AS each_row
) AS each_amount
GROUP BY kind
ORDER BY kind
