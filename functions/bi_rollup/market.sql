-- What each company sold between two instants, every sale once.
SELECT company, SUM(amount) AS sales
FROM (
  SELECT CAST(sold.{company} AS STRING) AS company, {amount} AS amount
  FROM {table} AS sold
  WHERE sold.{timestamp} >= @since AND sold.{timestamp} < @until AND sold.{company} IS NOT NULL
  QUALIFY ROW_NUMBER() OVER (PARTITION BY sold.{id} ORDER BY sold.{timestamp}) = 1
) AS each_sale
GROUP BY company
ORDER BY sales DESC, company
