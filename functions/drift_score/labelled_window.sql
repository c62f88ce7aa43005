-- One model's predictions between two instants, each once, with the labels that had arrived by the second.
-- Of very many it takes a sample, always the same.
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
    WHERE arrived_at >= @window_start AND arrived_at <= @window_end AND {label} IS NOT NULL
    QUALIFY ROW_NUMBER() OVER (PARTITION BY {id} ORDER BY arrived_at DESC) = 1
  )
SELECT {columns}, labels.truth AS {label_alias}
FROM predictions
LEFT JOIN labels ON labels.id = predictions.{id}
ORDER BY MD5(CAST(predictions.{id} AS STRING))
LIMIT @most
