-- The version of a model that is in use at an instant.
SELECT version
FROM ops.model_versions_in_use
WHERE model = @model AND in_use_from <= @at
ORDER BY in_use_from DESC, version DESC
LIMIT 1
