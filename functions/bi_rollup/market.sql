-- What each company sold between two instants, every sale once, and how many of its rows say nothing: those whose amount is
-- no number are left out, and those without an id cannot be told apart and count each.
SELECT
  company, SUM(IF(known, amount, NULL)) AS sales, COUNTIF(NOT known) AS without_amount, COUNTIF(id IS NULL) AS without_id
FROM (
  SELECT company, id, amount, amount IS NOT NULL AND NOT IS_NAN(amount) AND NOT IS_INF(amount) AS known
  FROM (
    SELECT
      CAST(sold.{company} AS STRING) AS company, CAST(sold.{id} AS STRING) AS id, {amount} AS amount,
      ROW_NUMBER() OVER (PARTITION BY sold.{id} ORDER BY sold.{timestamp}) AS place
    FROM {table} AS sold
    WHERE sold.{timestamp} >= @since AND sold.{timestamp} < @until AND sold.{company} IS NOT NULL
  ) AS each_row
  WHERE place = 1 OR id IS NULL
) AS each_sale
GROUP BY company
ORDER BY sales DESC, company
