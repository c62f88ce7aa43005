-- Orders between two instants, each once, in the words of the marts. What is paid back is negative, and what failed, or is
-- not understood, earns nothing.
SELECT
  source, customer, ordered_at, outcome,
  CASE outcome WHEN 'taken' THEN amount WHEN 'refunded' THEN -ABS(amount) ELSE 0.0 END AS dollars
FROM (
  SELECT
    source, customer, ordered_at, amount,
    IF(amount IS NULL OR IS_NAN(amount) OR IS_INF(amount), 'unknown', {outcome}) AS outcome
  FROM (
    SELECT
      COALESCE(CAST(paid.{source} AS STRING), 'unknown') AS source, {customer} AS customer,
      paid.{timestamp} AS ordered_at, CAST(paid.{amount} AS FLOAT64) AS amount, {word} AS word
    FROM {table} AS paid
    WHERE paid.{timestamp} >= @since AND paid.{timestamp} < @until
    QUALIFY ROW_NUMBER() OVER (PARTITION BY paid.{id} ORDER BY paid.{timestamp}) = 1
  ) AS given
) AS understood
