-- Windows of each model that ended in the week, by data quality issue: those with it, and all.
SELECT model, issue, COUNT(DISTINCT IF(issues > 0, window_end, NULL)) AS windows, COUNT(DISTINCT window_end) AS `of`
FROM ops.data_quality
WHERE window_end > @since AND window_end <= @until
GROUP BY model, issue
ORDER BY model, issue
