-- The version of a model that is in use at an instant.
SELECT version
FROM ops.model_versions
WHERE model = @model AND created_at <= @at
ORDER BY created_at DESC, version DESC
LIMIT 1
