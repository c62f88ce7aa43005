-- The instant of the oldest order between two instants, and the oldest hour of the mart, NULL without one.
SELECT ordered.oldest AS ordered_at, booked.oldest AS booked_at
FROM (
  SELECT MIN(paid.{orders[timestamp]}) AS oldest
  FROM {orders[table]} AS paid
  WHERE paid.{orders[timestamp]} >= @since AND paid.{orders[timestamp]} < @until
) AS ordered
CROSS JOIN (
  SELECT MIN(hour) AS oldest FROM marts.revenue_hourly WHERE hour >= @since AND hour < @until
) AS booked
