-- Net revenue by customer, day and experiment arm over whole days, and the customers who were exposed, where the settings say who was.
-- Days are those of the time zone, by their date. Existing rows are replaced: a rerun, or a late one, writes what the orders say by then.
MERGE marts.customer_arm_days AS mart
USING (
  SELECT day, model, arm, customer, SUM(dollars) AS dollars
  FROM (
    SELECT TIMESTAMP_TRUNC({local_order}, DAY) AS day, model, arm, customer, dollars
    FROM (
      {each_labelled_order}
    ) AS orders
    WHERE outcome IN ('taken', 'refunded')
    UNION ALL
    {exposed_customers}
  ) AS by_order
  WHERE day >= @since AND day < @until AND model IS NOT NULL AND arm IS NOT NULL AND customer IS NOT NULL
  GROUP BY day, model, arm, customer
) AS fresh
ON FALSE
WHEN NOT MATCHED BY SOURCE AND mart.day >= @since AND mart.day < @until THEN DELETE
WHEN NOT MATCHED BY TARGET THEN
  INSERT (day, model, arm, customer, dollars)
  VALUES (fresh.day, fresh.model, fresh.arm, fresh.customer, fresh.dollars)
