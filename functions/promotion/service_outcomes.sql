-- Seconds and failures of the predictions of two versions between two instants: numbers, sums and sums of squares.
SELECT
  version, COUNT(seconds) AS timed, COALESCE(SUM(seconds), 0.0) AS seconds, COALESCE(SUM(seconds * seconds), 0.0) AS squares,
  COUNT(failed) AS known, COUNTIF(failed) AS failures
FROM (
  SELECT version, seconds, failed
  FROM ops.shadow_predictions
  WHERE model = @model AND version IN (@champion, @challenger) AND scored_at >= @since AND scored_at < @until
  QUALIFY ROW_NUMBER() OVER (PARTITION BY version, prediction_id ORDER BY scored_at) = 1
) AS scored
GROUP BY version
ORDER BY version
