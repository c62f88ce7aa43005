-- How right forecasts were: the newest of each measure that is tracked by day, and the mean of the forecasts of capacity whose hour is over.
WITH tracked AS (
  SELECT name, labels, value, measured_at
  FROM marts.daily_metrics
  WHERE `day` >= TIMESTAMP_SUB(TIMESTAMP_TRUNC(@until, DAY), INTERVAL 7 DAY) AND `day` < @until AND name IN UNNEST(@names)
  QUALIFY ROW_NUMBER() OVER (PARTITION BY name, labels ORDER BY measured_at DESC) = 1
),
hours AS (
  SELECT resource, MAX(forecast_at) AS measured_at, COUNT(*) AS n, AVG(error / limit_value) AS error,
    AVG(persistence_error / limit_value) AS naive_error, AVG(inside) AS coverage
  FROM ops.capacity_forecasts
  WHERE forecast_at >= TIMESTAMP_SUB(@until, INTERVAL 7 DAY) AND forecast_at < @until AND error IS NOT NULL
  GROUP BY resource
)
SELECT name, labels, value, measured_at, CAST(NULL AS INT64) AS n, CAST(NULL AS FLOAT64) AS naive_error, CAST(NULL AS FLOAT64) AS coverage
FROM tracked
UNION ALL
SELECT 'capacity' AS name, resource AS labels, error AS value, measured_at, n, naive_error, coverage
FROM hours
ORDER BY name, labels
