-- The instant of the oldest order between two instants, NULL without one.
SELECT MIN(paid.{orders[timestamp]}) AS oldest
FROM {orders[table]} AS paid
WHERE paid.{orders[timestamp]} >= @since AND paid.{orders[timestamp]} < @until
