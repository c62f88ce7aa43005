-- The labelled predictions of a model between two instants, each once, with the newest label.
-- The score counts as the champion's where the champion made the prediction.
WITH
  predictions AS (
    SELECT *
    FROM {table}
    WHERE {timestamp} >= @window_start AND {timestamp} < @window_end AND model = @model
    QUALIFY ROW_NUMBER() OVER (PARTITION BY {id} ORDER BY {timestamp}) = 1
  ),
  labels AS (
    SELECT {id} AS id, {label} AS truth
    FROM {label_table}
    WHERE arrived_at >= @window_start AND {label} IS NOT NULL
    QUALIFY ROW_NUMBER() OVER (PARTITION BY {id} ORDER BY arrived_at DESC) = 1
  )
SELECT
  {columns},
  CAST(predictions.{id} AS STRING) AS prediction_id,
  UNIX_SECONDS(predictions.{timestamp}) AS second_,
  CAST(labels.truth AS INT64) AS label_,
  IF(predictions.version = @model_version, predictions.{score}, NULL) AS champion_
FROM predictions
JOIN labels ON labels.id = predictions.{id}
