-- Runs that ended in the week and in the week before, by pipeline. A run lasts at most 30 days.
SELECT
  pipeline,
  COUNTIF(ended_at >= @since) AS runs,
  COUNTIF(ended_at >= @since AND status = 'failed') AS failed,
  AVG(IF(ended_at >= @since AND status = 'succeeded', seconds, NULL)) AS seconds,
  COUNTIF(ended_at < @since) AS runs_before,
  COUNTIF(ended_at < @since AND status = 'failed') AS failed_before,
  AVG(IF(ended_at < @since AND status = 'succeeded', seconds, NULL)) AS seconds_before
FROM ops.pipeline_runs
WHERE first_at >= TIMESTAMP_SUB(@before, INTERVAL 30 DAY) AND first_at < @until
  AND ended_at >= @before AND ended_at < @until AND stage = ''
GROUP BY pipeline
ORDER BY pipeline
