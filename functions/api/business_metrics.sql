-- Business metrics as first computed on each day, the newest first.
SELECT day, measured_at, name, labels, value
FROM marts.daily_metrics
WHERE day >= @since AND day < @until
ORDER BY day DESC, name, labels
LIMIT @most
