-- Forecasts of the usage of resources with their errors, one row each: the one that was written last.
SELECT
  id, resource, target, forecast_at, limit_value, value, middle, low, high, probability, minutes, error, persistence_error, inside
FROM `{project}.ops.capacity_forecasts_raw`
WHERE TRUE
QUALIFY ROW_NUMBER() OVER (PARTITION BY id ORDER BY written_at DESC) = 1
