-- The changes of the aliases of a model, newest first.
SELECT alias, version, share, stage, changed_at, changed_by, why
FROM ops.model_aliases
WHERE model = @model
QUALIFY ROW_NUMBER() OVER (PARTITION BY id ORDER BY changed_at) = 1
ORDER BY changed_at DESC, alias
LIMIT 500
