-- One model's tests by feature and day: of the windows that end on a day, the last.
SELECT DATE(window_end) AS day, feature, test, value, drifted, reason
FROM ops.drift_scores
WHERE window_end >= @since AND window_end < @until AND model = @model AND role = 'feature'
QUALIFY window_end = MAX(window_end) OVER (PARTITION BY DATE(window_end))
ORDER BY day, feature, test
