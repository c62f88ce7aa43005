-- The mean duration of the stages that ended in the week, and their share of the time of all stages of the pipeline.
SELECT pipeline, stage, COUNT(*) AS runs, AVG(seconds) AS seconds, SUM(seconds) / SUM(SUM(seconds)) OVER (PARTITION BY pipeline) AS share
FROM ops.pipeline_runs
WHERE first_at >= TIMESTAMP_SUB(@since, INTERVAL 30 DAY) AND first_at < @until
  AND ended_at >= @since AND ended_at < @until AND stage != '' AND seconds > 0
GROUP BY pipeline, stage
ORDER BY pipeline, stage
