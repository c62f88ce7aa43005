-- Costs of services and models above their forecast, as judged at the first tick of each day of the week; 0 dollars is no anomaly.
SELECT
  dimension, item, COUNT(DISTINCT day) AS judged, COUNT(DISTINCT IF(dollars > 0, day, NULL)) AS days, MAX(dollars) AS dollars
FROM (
  SELECT
    day, value AS dollars,
    JSON_EXTRACT_SCALAR(labels, '$.dimension') AS dimension, JSON_EXTRACT_SCALAR(labels, '$.item') AS item
  FROM marts.daily_metrics
  WHERE day > @day_since AND day <= @day_until AND name = 'aia_cost_anomaly_dollars'
) AS each_day
GROUP BY dimension, item
ORDER BY dimension, item
