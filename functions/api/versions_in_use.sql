-- Which version of a model was in use since when, the oldest first.
SELECT version, in_use_from
FROM ops.model_versions_in_use
WHERE model = @model
ORDER BY in_use_from, version
