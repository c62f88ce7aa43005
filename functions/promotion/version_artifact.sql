-- Where the model of a version is stored.
SELECT artifact_uri
FROM ops.model_versions
WHERE model = @model AND version = @version
ORDER BY created_at DESC
LIMIT 1
