-- The logged predictions of a model between two instants that a version has not scored, each once.
SELECT {columns}, CAST(predictions.{id} AS STRING) AS prediction_id
FROM (
  SELECT *
  FROM {table}
  WHERE {timestamp} >= @window_start AND {timestamp} < @window_end AND model = @model
  QUALIFY ROW_NUMBER() OVER (PARTITION BY {id} ORDER BY {timestamp}) = 1
) AS predictions
LEFT JOIN (
  SELECT DISTINCT prediction_id
  FROM ops.shadow_predictions
  WHERE model = @model AND version = @model_version AND scored_at >= @window_start
) AS known ON known.prediction_id = CAST(predictions.{id} AS STRING)
WHERE known.prediction_id IS NULL
