-- How right models were by day: of the windows that end on a day, the last.
SELECT model, DATE(window_end) AS day, value, n_labels, n_current, window_end
FROM ops.model_performance
WHERE window_end >= @since AND model IN UNNEST(@models) AND measure = 'accuracy'
QUALIFY window_end = MAX(window_end) OVER (PARTITION BY model, DATE(window_end))
ORDER BY model, day
