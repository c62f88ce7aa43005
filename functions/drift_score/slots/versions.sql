-- The version of each model in use at an instant, with its training period.
SELECT model, version, created_at, reference_start, reference_end
FROM ops.model_versions
WHERE model IN UNNEST(@models) AND created_at <= @window_end
QUALIFY ROW_NUMBER() OVER (PARTITION BY model ORDER BY created_at DESC, version DESC) = 1
