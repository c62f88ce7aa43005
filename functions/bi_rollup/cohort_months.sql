-- Cohorts that are not older than an instant, in each of their months.
SELECT cohort, months, customers, active, dollars
FROM marts.customer_cohorts
WHERE cohort >= @since
ORDER BY cohort, months
