-- The newest change of each model.
SELECT model, settings, changed_at, changed_by
FROM ops.models
WHERE TRUE
QUALIFY ROW_NUMBER() OVER (PARTITION BY model ORDER BY changed_at DESC, id DESC) = 1
ORDER BY model
