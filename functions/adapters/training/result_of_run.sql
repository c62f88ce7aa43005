-- What a training noted at its end.
SELECT outcome, version, why, finished_at
FROM ops.training_results
WHERE run_id = @run_id
ORDER BY finished_at DESC
LIMIT 1
