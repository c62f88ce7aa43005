-- The outcomes of the newest trainings of a model, newest first, each once.
SELECT outcome
FROM ops.training_results
WHERE model = @model
QUALIFY ROW_NUMBER() OVER (PARTITION BY run_id ORDER BY finished_at DESC) = 1
ORDER BY finished_at DESC
LIMIT 10
