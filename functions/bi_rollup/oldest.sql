-- The oldest order between two instants, where there is any.
SELECT MIN(paid.{timestamp}) AS oldest
FROM {table} AS paid
WHERE paid.{timestamp} >= @since AND paid.{timestamp} < @until
