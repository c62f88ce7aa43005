-- Orders between two instants, each once, in the words of the marts. What is paid back is negative, and what failed, or is
-- not understood, earns nothing.
--
-- Of rows with one id, up to a day apart, the one that was paid counts before those that were not, and of equals the one of
-- the earliest instant: hours that are complete then stay as they are, whichever row came first. The day before is read for
-- that alone. Rows without an id cannot be told apart, and count each.
SELECT id, source, customer, ordered_at, outcome, dollars
FROM (
  SELECT
    id, source, customer, ordered_at, outcome,
    CASE outcome WHEN 'taken' THEN amount WHEN 'refunded' THEN -ABS(amount) ELSE 0.0 END AS dollars,
    ROW_NUMBER() OVER (
      PARTITION BY id ORDER BY IF(outcome IN ('taken', 'refunded'), 0, 1), ordered_at, amount
    ) AS place
  FROM (
    SELECT
      id, source, customer, ordered_at, amount,
      IF(amount IS NULL OR IS_NAN(amount) OR IS_INF(amount), 'unknown', {outcome}) AS outcome
    FROM (
      SELECT
        CAST(paid.{id} AS STRING) AS id, COALESCE(CAST(paid.{source} AS STRING), 'unknown') AS source,
        {customer} AS customer, paid.{timestamp} AS ordered_at, CAST(paid.{amount} AS FLOAT64) AS amount, {word} AS word
      FROM {table} AS paid
      WHERE paid.{timestamp} >= TIMESTAMP_SUB(@since, INTERVAL 1 DAY) AND paid.{timestamp} < @until
    ) AS given
  ) AS understood
) AS told
WHERE ordered_at >= @since AND (place = 1 OR id IS NULL)
