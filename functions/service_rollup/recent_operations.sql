-- Operations of some minutes by service, kind and name, the busiest first. Where a service sends metrics of a kind of operation, its
-- spans of that kind do not count: they may be a sample.
WITH recent AS (
  SELECT *, LOGICAL_OR(source = 'metrics') OVER (PARTITION BY service, operation) AS has_metrics
  FROM marts.service_minutes
  WHERE minute >= @start AND minute < @end
),
chosen AS (
  SELECT * FROM recent WHERE source != 'spans' OR NOT has_metrics
),
histograms AS (
  SELECT service, operation, name, ARRAY_AGG(STRUCT(bucket AS bucket, n AS n) ORDER BY bucket) AS buckets
  FROM (
    SELECT service, operation, name, part.bucket, SUM(part.n) AS n
    FROM chosen, UNNEST(buckets) AS part
    GROUP BY service, operation, name, part.bucket
  ) AS summed
  GROUP BY service, operation, name
),
totals AS (
  SELECT
    service, operation, name, SUM(calls) AS calls, SUM(failures) AS failures, SUM(timeouts) AS timeouts,
    MAX(other_services) AS other_services, MAX(other_names) AS other_names
  FROM chosen
  GROUP BY service, operation, name
)
SELECT totals.*, histograms.buckets
FROM totals
LEFT JOIN histograms
  ON histograms.service = totals.service AND histograms.operation = totals.operation AND histograms.name = totals.name
ORDER BY totals.calls DESC, totals.service, totals.operation, totals.name
LIMIT @most
