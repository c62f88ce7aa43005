-- The trainings that were requested for a model since an instant, newest first, each with its result and the experiment of its version.
WITH
  requests AS (
    SELECT id, requested_at, requested_by, reason, note, model_version
    FROM ops.retraining_requests
    WHERE requested_at >= @since AND requested_at < @until AND model = @model
    QUALIFY ROW_NUMBER() OVER (PARTITION BY id ORDER BY requested_at) = 1
  ),
  results AS (
    SELECT request_id, outcome, version, why, n_rows, metrics, finished_at
    FROM ops.training_results
    WHERE finished_at >= @since AND model = @model
    QUALIFY ROW_NUMBER() OVER (PARTITION BY request_id ORDER BY finished_at DESC) = 1
  ),
  experiments AS (
    SELECT challenger, MAX(experiment) AS experiment
    FROM ops.experiment_looks
    WHERE look_at >= @since AND model = @model
    GROUP BY challenger
  )
SELECT
  requests.id, requests.requested_at, requests.requested_by, requests.reason, requests.note, requests.model_version,
  results.outcome, results.version, results.why, results.n_rows, results.metrics, results.finished_at, experiments.experiment
FROM requests
LEFT JOIN results ON results.request_id = requests.id
LEFT JOIN experiments ON experiments.challenger = results.version
ORDER BY requests.requested_at DESC, requests.id
LIMIT 100
