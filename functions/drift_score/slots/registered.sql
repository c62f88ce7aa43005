-- The newest profile of each model that is counted by slots. The row with the number -1 is written last, once its window has been counted.
SELECT model, ARRAY_AGG(profile ORDER BY created_at DESC, profile LIMIT 1)[OFFSET(0)] AS profile
FROM ops.profile_cells
WHERE feature = -1 AND model IN UNNEST(@models)
GROUP BY model
