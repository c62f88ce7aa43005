-- The looks at experiments of a model, newest first.
SELECT experiment, champion, challenger, mode, look_at, stage, share, n, evidence, decision, reason
FROM ops.experiment_looks
WHERE model = @model
QUALIFY ROW_NUMBER() OVER (PARTITION BY id ORDER BY look_at) = 1
ORDER BY look_at DESC, experiment DESC
LIMIT 1000
