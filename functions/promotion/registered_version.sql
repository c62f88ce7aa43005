-- A registered version of a model, if there is one of that name.
SELECT version
FROM ops.model_versions
WHERE model = @model AND version = @version
LIMIT 1
