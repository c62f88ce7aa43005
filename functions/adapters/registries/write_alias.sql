-- Writes a change of an alias, unless it is there.
INSERT INTO ops.model_aliases (id, model, alias, version, share, stage, changed_at, changed_by, why)
SELECT @id, @model, @alias, @version, CAST(@share AS FLOAT64), @stage, @changed_at, @changed_by, @why
FROM (SELECT 1) AS one
WHERE NOT EXISTS (SELECT 1 FROM ops.model_aliases WHERE id = @id)
