-- Customers of both arms between two days, each once: their number, how many bought, and their net dollars with the squares.
-- Customers of more than one arm of the model are left out.
SELECT
  only_arm AS arm, COUNT(*) AS customers, COUNTIF(dollars > 0) AS buyers, SUM(dollars) AS dollars, SUM(dollars * dollars) AS squares
FROM (
  SELECT customer, MIN(arm) AS only_arm, SUM(dollars) AS dollars
  FROM marts.customer_arm_days
  WHERE day >= @since AND day < @until AND model = @model
  GROUP BY customer
  HAVING COUNT(DISTINCT arm) = 1
) AS by_customer
WHERE only_arm IN (@champion, @challenger)
GROUP BY only_arm
ORDER BY only_arm
