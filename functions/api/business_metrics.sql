-- Business metrics as first computed on each day, the newest first. An empty text takes everything.
SELECT day, measured_at, name, labels, value
FROM marts.daily_metrics
WHERE day >= @since AND day < @until AND (@name = '' OR name = @name)
  AND (day < @before OR (day = @before AND CONCAT(name, labels) < @before_id))
ORDER BY day DESC, CONCAT(name, labels) DESC
LIMIT @most
