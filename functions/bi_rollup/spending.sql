-- What was spent between two instants, by what for.
SELECT kind, SUM(dollars) AS dollars
FROM (
  SELECT COALESCE(CAST(spent.{kind} AS STRING), 'unknown') AS kind, CAST(spent.{amount} AS FLOAT64) AS dollars
  FROM {table} AS spent
  WHERE spent.{timestamp} >= @since AND spent.{timestamp} < @until AND spent.{amount} IS NOT NULL
) AS each_amount
GROUP BY kind
ORDER BY kind
