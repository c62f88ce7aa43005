-- How often one model was right between two instants, by the labels that had arrived at the second.
WITH
  predictions AS (
    SELECT {id} AS id, {score} >= 0.5 AS predicted
    FROM {table}
    WHERE {timestamp} >= @window_start AND {timestamp} < @window_end AND model = @model
    QUALIFY ROW_NUMBER() OVER (PARTITION BY {id} ORDER BY {timestamp}) = 1
  ),
  labels AS (
    SELECT {id} AS id, {label} AS truth
    FROM {label_table}
    WHERE arrived_at >= @window_start AND arrived_at <= @window_end AND {label} IS NOT NULL
    QUALIFY ROW_NUMBER() OVER (PARTITION BY {id} ORDER BY arrived_at DESC) = 1
  )
SELECT
  COUNT(*) AS n_current,
  COUNT(labels.truth) AS n_labels,
  AVG(IF(labels.truth IS NULL, NULL, IF(predictions.predicted = labels.truth, 1.0, 0.0))) AS value
FROM predictions
LEFT JOIN labels ON labels.id = predictions.id
