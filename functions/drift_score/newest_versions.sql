-- The version of each model that was registered last by an instant, in use or not, with its reference window.
SELECT model, version, reference_start, reference_end
FROM ops.model_versions
WHERE model IN UNNEST(@models) AND created_at <= @at
QUALIFY ROW_NUMBER() OVER (PARTITION BY model ORDER BY created_at DESC, version DESC) = 1
