-- How many of one model's predictions between two instants have a label by a third.
SELECT COUNT(DISTINCT predictions.{id}) AS n_labels
FROM {table} AS predictions
JOIN {label_table} AS labels ON labels.{id} = predictions.{id}
WHERE predictions.{timestamp} >= @window_start AND predictions.{timestamp} < @window_end AND predictions.model = @model
  AND labels.arrived_at >= @window_start AND labels.arrived_at <= @at AND labels.{label} IS NOT NULL
