-- The registered versions of a model, newest first.
SELECT *
FROM ops.model_versions
WHERE model = @model
QUALIFY ROW_NUMBER() OVER (PARTITION BY version ORDER BY created_at DESC) = 1
ORDER BY created_at DESC, version DESC
LIMIT 500
