-- Sales by company between two instants, each sale once. Rows without a valid amount are left out; rows without an id cannot be
-- deduplicated, and count each. Both are counted.
SELECT
  company, SUM(IF(valid, amount, NULL)) AS sales, COUNTIF(NOT valid) AS missing_amount, COUNTIF(id IS NULL) AS missing_id
FROM (
  SELECT company, id, amount, amount IS NOT NULL AND NOT IS_NAN(amount) AND NOT IS_INF(amount) AS valid
  FROM (
    SELECT
      CAST(sale.{market[company]} AS STRING) AS company, CAST(sale.{market[id]} AS STRING) AS id,
      {market[amount]} AS amount,
      ROW_NUMBER() OVER (PARTITION BY sale.{market[id]} ORDER BY sale.{market[timestamp]}) AS place
    FROM {market[table]} AS sale
    WHERE sale.{market[timestamp]} >= @since AND sale.{market[timestamp]} < @until
      AND sale.{market[company]} IS NOT NULL
  ) AS each_row
  WHERE place = 1 OR id IS NULL
) AS each_sale
GROUP BY company
ORDER BY sales DESC, company
