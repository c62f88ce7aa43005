-- Customers of a model between two days, in whatever arm.
SELECT COUNT(DISTINCT customer) AS customers
FROM marts.customer_arm_days
WHERE day >= @since AND day < @until AND model = @model
