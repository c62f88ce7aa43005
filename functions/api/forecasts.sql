-- Forecasts as they were made, the newest first, each once. Intervals are of 90 %.
WITH revenue AS (
  SELECT 'revenue' AS metric, source AS subject, '' AS part, made_at, made_at AS starts_at, 30 * 86400 AS horizon_seconds,
    low, middle, high, naive, usual_error AS naive_usual_error
  FROM ops.revenue_forecast_totals
  WHERE made_at >= @since AND made_at < @until
),
daily_revenue AS (
  SELECT 'daily_revenue' AS metric, source AS subject, CAST(`day` AS STRING) AS part, made_at, `day` AS starts_at, 86400 AS horizon_seconds,
    low, middle, high, CAST(NULL AS FLOAT64) AS naive, CAST(NULL AS FLOAT64) AS naive_usual_error
  FROM ops.revenue_forecasts
  WHERE made_at >= @since AND made_at < @until
),
lifetime_value AS (
  SELECT 'lifetime_value' AS metric, 'customers' AS subject, '' AS part, MAX(measured_at) AS made_at, MAX(measured_at) AS starts_at,
    365 * 86400 AS horizon_seconds,
    MAX(IF(name = 'aia_customer_lifetime_value_bound_dollars' AND labels LIKE '%"low"%', value, NULL)) AS low,
    MAX(IF(name = 'aia_customer_lifetime_value_dollars', value, NULL)) AS middle,
    MAX(IF(name = 'aia_customer_lifetime_value_bound_dollars' AND labels LIKE '%"high"%', value, NULL)) AS high,
    CAST(NULL AS FLOAT64) AS naive, CAST(NULL AS FLOAT64) AS naive_usual_error
  FROM marts.daily_metrics
  WHERE `day` >= TIMESTAMP_TRUNC(@since, DAY) AND `day` < @until
    AND name IN ('aia_customer_lifetime_value_dollars', 'aia_customer_lifetime_value_bound_dollars')
  GROUP BY `day`
),
costs AS (
  SELECT 'costs' AS metric, labels AS subject, '' AS part, measured_at AS made_at, CAST(NULL AS TIMESTAMP) AS starts_at,
    86400 AS horizon_seconds, CAST(NULL AS FLOAT64) AS low, value AS middle, CAST(NULL AS FLOAT64) AS high,
    CAST(NULL AS FLOAT64) AS naive, CAST(NULL AS FLOAT64) AS naive_usual_error
  FROM marts.daily_metrics
  WHERE `day` >= TIMESTAMP_TRUNC(@since, DAY) AND `day` < @until AND name = 'aia_cost_expected_dollars'
),
capacity AS (
  SELECT 'capacity' AS metric, resource AS subject, '' AS part, forecast_at AS made_at, forecast_at AS starts_at, 3600 AS horizon_seconds,
    (SELECT v FROM UNNEST(c.low) AS v WITH OFFSET AS step ORDER BY step DESC LIMIT 1) AS low,
    (SELECT v FROM UNNEST(c.middle) AS v WITH OFFSET AS step ORDER BY step DESC LIMIT 1) AS middle,
    (SELECT v FROM UNNEST(c.high) AS v WITH OFFSET AS step ORDER BY step DESC LIMIT 1) AS high,
    c.value AS naive, CAST(NULL AS FLOAT64) AS naive_usual_error
  FROM ops.capacity_forecasts AS c
  WHERE forecast_at >= @since AND forecast_at < @until
),
forecasts AS (
  SELECT * FROM revenue
  UNION ALL SELECT * FROM daily_revenue
  UNION ALL SELECT * FROM lifetime_value
  UNION ALL SELECT * FROM costs
  UNION ALL SELECT * FROM capacity
)
SELECT CONCAT(metric, ':', subject, ':', part) AS id, metric, subject, made_at, starts_at, horizon_seconds, low, middle, high, naive,
  naive_usual_error
FROM forecasts
WHERE metric IN UNNEST(@kinds) AND middle IS NOT NULL AND made_at >= @since AND made_at < @until
  AND ('' IN UNNEST(@subjects) OR subject IN UNNEST(@subjects))
  AND (made_at < @before OR (made_at = @before AND CONCAT(metric, ':', subject, ':', part) < @before_id))
ORDER BY made_at DESC, id DESC
LIMIT @most
