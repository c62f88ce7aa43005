-- Where a model has a version in use and no champion, that version becomes it: a version that is registered is not in use by that.
INSERT INTO ops.model_aliases (id, model, alias, version, share, stage, changed_at, changed_by, why)
SELECT
  CONCAT(model, ':champion:', version, ':kept'), model, 'champion', version, 100, '', created_at, 'register',
  'it was in use when the next version was registered'
FROM ops.model_versions
WHERE
  model = @model AND version != @version
  AND NOT EXISTS (SELECT 1 FROM ops.model_versions WHERE model = @model AND version = @version)
  AND NOT EXISTS (SELECT 1 FROM ops.model_aliases WHERE model = @model AND alias = 'champion')
QUALIFY ROW_NUMBER() OVER (ORDER BY created_at DESC, version DESC) = 1
