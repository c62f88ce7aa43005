-- The names of versions of a model in the registries that have them.
SELECT version, registry_uri
FROM ops.model_versions
WHERE model = @model AND version IN UNNEST(@versions)
QUALIFY ROW_NUMBER() OVER (PARTITION BY version ORDER BY created_at DESC) = 1
ORDER BY version
