-- Orders between two instants, each once, with the outcomes of the marts. Refunds are negative; failed orders and orders with an
-- unknown outcome or without a valid amount have no revenue.
--
-- Rows with one id up to a day apart are one order. A paid row counts before others, and of equal ones the earliest, so that
-- complete hours do not change, whichever row arrived first; that is why the day before is read. Rows without an id cannot be
-- deduplicated, and count each.
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
      IF(amount IS NULL OR IS_NAN(amount) OR IS_INF(amount), 'unknown', {orders[outcome]}) AS outcome
    FROM (
      SELECT
        CAST(paid.{orders[id]} AS STRING) AS id, COALESCE(CAST(paid.{orders[source]} AS STRING), 'unknown') AS source,
        {orders[customer]} AS customer, paid.{orders[timestamp]} AS ordered_at,
        CAST(paid.{orders[amount]} AS FLOAT64) AS amount, {orders[word]} AS word
      FROM {orders[table]} AS paid
      WHERE paid.{orders[timestamp]} >= TIMESTAMP_SUB(@since, INTERVAL 1 DAY) AND paid.{orders[timestamp]} < @until
    ) AS each_row
  ) AS classified
) AS ranked
WHERE ordered_at >= @since AND (place = 1 OR id IS NULL)
