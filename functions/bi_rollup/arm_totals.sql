-- Net revenue a customer by model and experiment arm, between two days: number of customers, mean, variance, and the largest amount.
-- Customers of more than one arm of a model are counted apart, with NULL as their arm.
SELECT
  model, arm, COUNT(*) AS customers, AVG(dollars) AS mean, COALESCE(VAR_SAMP(dollars), 0.0) AS variance, MAX(dollars) AS largest
FROM (
  SELECT model, customer, IF(COUNT(DISTINCT arm) = 1, MIN(arm), NULL) AS arm, SUM(dollars) AS dollars
  FROM marts.customer_arm_days
  WHERE day >= @since AND day < @until
  GROUP BY model, customer
) AS by_customer
GROUP BY model, arm
ORDER BY model, arm
