-- One run with its stages, in place of what was written of it before: run again, it changes nothing. Whatever was written
-- before is about an instant between the first and the last that are known of the run by now.
MERGE ops.pipeline_runs AS kept
USING (
  SELECT r.stage, r.status, r.first_at, r.started_at, r.ended_at, CAST(r.seconds AS FLOAT64) AS seconds, r.error
  FROM UNNEST(@rows) AS r
) AS given
ON FALSE
WHEN NOT MATCHED BY SOURCE
  AND kept.first_at BETWEEN @first AND @last AND kept.pipeline = @pipeline AND kept.run_id = @run_id THEN DELETE
WHEN NOT MATCHED BY TARGET THEN
  INSERT (pipeline, run_id, stage, status, first_at, started_at, ended_at, seconds, error)
  VALUES (
    @pipeline, @run_id, given.stage, given.status, given.first_at, CAST(given.started_at AS TIMESTAMP),
    CAST(given.ended_at AS TIMESTAMP), given.seconds, given.error
  )
