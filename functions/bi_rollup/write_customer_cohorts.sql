-- Cohorts of customers by whole months, rebuilt from their days before an instant. A refund is deducted from the month of its order. A
-- month in which nobody of a cohort ordered has a row as well.
MERGE marts.customer_cohorts AS mart
USING (
  SELECT
    sizes.cohort, month AS months, sizes.customers, COALESCE(activity.active, 0) AS active,
    COALESCE(activity.dollars, 0.0) AS dollars
  FROM (
    SELECT TIMESTAMP_TRUNC(first_day, MONTH) AS cohort, COUNT(*) AS customers
    FROM marts.customers
    WHERE first_day < TIMESTAMP_TRUNC(@until, MONTH)
    GROUP BY cohort
  ) AS sizes
  CROSS JOIN UNNEST(GENERATE_ARRAY(0, DATE_DIFF(DATE(@until), DATE(sizes.cohort), MONTH) - 1)) AS month
  LEFT JOIN (
    SELECT
      TIMESTAMP_TRUNC(customer.first_day, MONTH) AS cohort,
      GREATEST(0, DATE_DIFF(DATE(COALESCE(mart.order_day, mart.day)), DATE(customer.first_day), MONTH)) AS months,
      COUNT(DISTINCT IF(mart.taken > 0, mart.customer, NULL)) AS active, SUM(mart.dollars) AS dollars
    FROM marts.customer_days AS mart
    JOIN marts.customers AS customer ON customer.customer = mart.customer
    WHERE mart.day < @until
    GROUP BY cohort, months
  ) AS activity
  ON activity.cohort = sizes.cohort AND activity.months = month
) AS fresh
ON FALSE
WHEN NOT MATCHED BY SOURCE THEN DELETE
WHEN NOT MATCHED BY TARGET THEN
  INSERT (cohort, months, customers, active, dollars)
  VALUES (fresh.cohort, fresh.months, fresh.customers, fresh.active, fresh.dollars)
