-- How champion and challenger did on the same requests whose time for a label is over: pairs in which one of them is better, and the
-- difference of their values with its square. Each prediction counts once, with its newest label.
WITH
  predictions AS (
    SELECT {id} AS id, {score} AS score, {predicted} AS predicted
    FROM {table}
    WHERE {timestamp} >= @since AND {timestamp} < @until AND model = @model
    QUALIFY ROW_NUMBER() OVER (PARTITION BY {id} ORDER BY {timestamp}) = 1
  ),
  labels AS (
    SELECT {id} AS id, {label} AS truth
    FROM {label_table}
    WHERE arrived_at >= @since AND arrived_at <= @at AND {label} IS NOT NULL
    QUALIFY ROW_NUMBER() OVER (PARTITION BY {id} ORDER BY arrived_at DESC) = 1
  ),
  shadows AS (
    SELECT prediction_id AS id, score, predicted
    FROM ops.shadow_predictions
    WHERE model = @model AND version = @challenger AND scored_at >= @since AND scored_at <= @at
    QUALIFY ROW_NUMBER() OVER (PARTITION BY prediction_id ORDER BY scored_at) = 1
  ),
  pairs AS (
    SELECT {champion} AS champion, {challenger} AS challenger
    FROM predictions
    JOIN labels ON labels.id = predictions.id
    JOIN shadows ON shadows.id = CAST(predictions.id AS STRING)
  )
SELECT
  COUNT(*) AS n, COUNTIF(challenger > champion) AS wins, COUNTIF(challenger < champion) AS losses,
  COALESCE(SUM(challenger - champion), 0.0) AS total,
  COALESCE(SUM((challenger - champion) * (challenger - champion)), 0.0) AS squares
FROM pairs
WHERE champion IS NOT NULL AND challenger IS NOT NULL
