-- How many messages each function parked in a time.
SELECT function, COUNT(DISTINCT id) AS n
FROM ops.dead_letters
WHERE received_at >= @since AND received_at < @until
GROUP BY function
