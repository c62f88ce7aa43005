-- Writes the row of a version, unless it is there.
INSERT INTO ops.model_versions (
  model, version, reference_start, reference_end, created_at, run_id, pipeline, template, git, trained_from,
  trained_until, held_out_until, parameters, metrics, artifact_uri, profile_uri, requested_by, request_id, registry, registry_uri
)
SELECT
  @model, @version, @reference_start, @reference_end, @created_at, @run_id, @pipeline, @template, @git,
  CAST(@trained_from AS TIMESTAMP), CAST(@trained_until AS TIMESTAMP), CAST(@held_out_until AS TIMESTAMP),
  @parameters, @metrics, @artifact_uri, @profile_uri, @requested_by, @request_id, @registry, @registry_uri
FROM (SELECT 1) AS one
WHERE NOT EXISTS (SELECT 1 FROM ops.model_versions WHERE model = @model AND version = @version)
