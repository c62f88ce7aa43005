-- The version of each model in use at an instant, with its reference window.
SELECT model, version, in_use_from, reference_start, reference_end
FROM ops.model_versions_in_use
WHERE model IN UNNEST(@models) AND in_use_from <= @window_end
QUALIFY ROW_NUMBER() OVER (PARTITION BY model ORDER BY in_use_from DESC, version DESC) = 1
