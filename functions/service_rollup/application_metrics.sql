-- The metrics of applications that no operation has, of some minutes, by service and metric. A level is the newest value of each series:
-- of a gauge, or of a sum that also falls; of several series their sum, mean and maximum. A rate is what sums rose by that only grow.
-- Of services and metrics, those with the most series are there; `known` has how many there are without that limit.
WITH points AS (
  SELECT
    series_id, COALESCE(started_at, TIMESTAMP '1970-01-01 00:00:00+00') AS run, observed_at, service, metric, value,
    COALESCE(temporality, '') AS temporality, kind = 'sum' AND monotonic AS is_counter
  FROM telemetry.metric_points
  WHERE observed_at >= @before AND observed_at < @end AND operation IS NULL AND kind != 'histogram' AND value IS NOT NULL
    -- How far a sum moved that also falls is not where it stands.
    AND (kind = 'gauge' OR monotonic OR temporality = 'cumulative')
  QUALIFY ROW_NUMBER() OVER (PARTITION BY point_id ORDER BY observed_at) = 1
),
levels AS (
  SELECT service, metric, value
  FROM points
  WHERE NOT is_counter AND observed_at >= @start
  QUALIFY ROW_NUMBER() OVER (PARTITION BY series_id ORDER BY observed_at DESC) = 1
),
runs AS (
  SELECT *, LAG(value) OVER (PARTITION BY series_id, run ORDER BY observed_at) AS last_value
  FROM points
  WHERE is_counter
),
-- The first point of a run that began long ago adds nothing: what it counts may be as old. A counter that is lower began anew.
rises AS (
  SELECT
    service, metric, series_id,
    IF(temporality = 'delta' OR value < last_value OR last_value IS NULL AND run >= @start, value, value - last_value) AS rise
  FROM runs
  WHERE observed_at >= @start AND (temporality = 'delta' OR last_value IS NOT NULL OR run >= @start)
),
summaries AS (
  SELECT service, metric, FALSE AS is_counter, COUNT(*) AS series, SUM(value) AS total, MAX(value) AS highest
  FROM levels
  GROUP BY service, metric
  UNION ALL
  SELECT service, metric, TRUE, COUNT(DISTINCT series_id), SUM(rise), NULL
  FROM rises
  GROUP BY service, metric
),
sizes AS (
  SELECT service, SUM(series) AS series
  FROM summaries
  GROUP BY service
),
services AS (
  SELECT service, ROW_NUMBER() OVER (ORDER BY series DESC, service) AS place
  FROM sizes
),
ranked AS (
  SELECT
    summaries.*, services.place AS service_place, COUNT(*) OVER () AS known,
    ROW_NUMBER() OVER (PARTITION BY summaries.service ORDER BY summaries.series DESC, summaries.metric, summaries.is_counter) AS metric_place
  FROM summaries
  JOIN services ON services.service = summaries.service
)
SELECT service, metric, is_counter, series, total, highest, known
FROM ranked
WHERE service_place <= @most_services AND metric_place <= @most_names
ORDER BY service_place, metric_place
LIMIT @most
