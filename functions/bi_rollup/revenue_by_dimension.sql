-- Net revenue and payments by the values of each dimension but the source, between two days. Of each, the values with the highest revenue, and
-- the rest is `other`.
SELECT dimension, IF(place <= @most, own_value, '{rest}') AS value, SUM(dollars) AS dollars, SUM(payments) AS payments
FROM (
  SELECT
    dimension, own_value, dollars, payments,
    ROW_NUMBER() OVER (PARTITION BY dimension ORDER BY own_value = '{rest}', dollars DESC, own_value) AS place
  FROM (
    SELECT dimension, value AS own_value, SUM(net) AS dollars, SUM(payments) AS payments
    FROM marts.revenue_by_dimension_daily
    WHERE day >= @since AND day < @until AND dimension != 'source'
    GROUP BY dimension, value
  ) AS by_value
) AS placed
GROUP BY dimension, value
ORDER BY dimension, value
