-- Business metrics as first computed on each day.
SELECT day, measured_at, name, labels, value
FROM marts.daily_metrics
WHERE day > @oldest_day AND day <= @midnight AND name IN UNNEST(@names)
ORDER BY name, labels, day
