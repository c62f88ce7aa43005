-- Rows of exchange rates that may hold for orders between two instants. Rows without a day, or without a rate above 0, are none.
SELECT currency, day, rate
FROM (
  SELECT
    UPPER(TRIM(CAST(quoted.{rates[currency]} AS STRING))) AS currency, SAFE_CAST(quoted.{rates[day]} AS DATE) AS day,
    SAFE_CAST(quoted.{rates[rate]} AS FLOAT64) AS rate
  FROM {rates[table]} AS quoted
) AS each_row
WHERE rate > 0 AND NOT IS_NAN(rate) AND NOT IS_INF(rate)
  AND day >= DATE_SUB(DATE({rates[since]}), INTERVAL {rates[reach]} DAY) AND day <= DATE_ADD(DATE({rates[until]}), INTERVAL 2 DAY)
