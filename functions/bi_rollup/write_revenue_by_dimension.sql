-- Revenue by day and by the values of one dimension at a time, over whole days. Days are those of the time zone, by their date. Of a
-- day, the values with the most payments have rows of their own, and the rest is `other`; models that earn a share always have one.
-- Existing rows are replaced: a rerun, or a late one, writes what the orders say by then.
MERGE marts.revenue_by_dimension_daily AS mart
USING (
  SELECT
    day, dimension, IF(place <= {most_values}, own_value, '{rest}') AS value, SUM(gross) AS gross, SUM(discount) AS discount,
    SUM(tax) AS tax, SUM(refund) AS refund, SUM(dollars) AS net, SUM(taken) AS payments,
    COUNT(DISTINCT IF(taken > 0, customer, NULL)) AS customers
  FROM (
    SELECT
      day, dimension, own_value, customer, gross, discount, tax, refund, dollars, taken,
      DENSE_RANK() OVER (
        PARTITION BY day, dimension
        ORDER BY dimension = 'model' AND own_value IN UNNEST([{kept_models}]) DESC, payments DESC, own_value
      ) AS place
    FROM (
      SELECT
        day, dimension, own_value, customer, gross, discount, tax, refund, dollars, taken,
        SUM(taken) OVER (PARTITION BY day, dimension, own_value) AS payments
      FROM (
        SELECT
          day, marked.name AS dimension, COALESCE(marked.value, 'unknown') AS own_value, customer, SUM(gross) AS gross,
          SUM(discount) AS discount, SUM(tax) AS tax, SUM(refund) AS refund, SUM(dollars) AS dollars,
          COUNTIF(outcome = 'taken') AS taken
        FROM (
          SELECT
            source, customer, currency, outcome, gross, discount, tax, refund, dollars, model, version, arm, device, country,
            TIMESTAMP_TRUNC({local_order}, DAY) AS day
          FROM (
            {each_labelled_order}
          ) AS orders
          WHERE outcome IN ('taken', 'refunded')
        ) AS dated
        CROSS JOIN UNNEST([{dimensions}]) AS marked
        WHERE day >= @since AND day < @until
        GROUP BY day, dimension, own_value, customer
      ) AS by_customer
    ) AS counted
  ) AS placed
  GROUP BY day, dimension, value
) AS fresh
ON FALSE
WHEN NOT MATCHED BY SOURCE AND mart.day >= @since AND mart.day < @until THEN DELETE
WHEN NOT MATCHED BY TARGET THEN
  INSERT (day, dimension, value, gross, discount, tax, refund, net, payments, customers)
  VALUES (
    fresh.day, fresh.dimension, fresh.value, fresh.gross, fresh.discount, fresh.tax, fresh.refund, fresh.net, fresh.payments,
    fresh.customers
  )
