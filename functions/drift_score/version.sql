-- The version of a model that was in use at an instant, and what it was trained on.
SELECT version, reference_start, reference_end
FROM ops.model_versions
WHERE model = @model AND created_at <= @at
ORDER BY created_at DESC, version DESC
LIMIT 1
