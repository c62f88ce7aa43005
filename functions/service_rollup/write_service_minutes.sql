-- Operations by minute, service, kind and name, from spans, metrics and log records. Minutes that the look-back has are replaced, so that
-- a rerun, or a late item, gives what the tables say by then. Of services and names, those with the most operations keep theirs.
MERGE marts.service_minutes AS mart
USING (
  WITH spans AS (
    SELECT
      TIMESTAMP_TRUNC(ended_at, MINUTE) AS minute, service, operation, name, bucket, seconds, failed,
      COALESCE(LOWER(error_type) LIKE '%timeout%', FALSE) AS timed_out, tokens_in, tokens_out, dollars
    FROM telemetry.spans
    WHERE ended_at >= @since AND ended_at < @until AND operation != 'other'
    QUALIFY ROW_NUMBER() OVER (PARTITION BY trace_id, span_id ORDER BY ended_at) = 1
  ),
  points AS (
    SELECT
      series_id, COALESCE(started_at, TIMESTAMP '1970-01-01 00:00:00+00') AS run, observed_at, TIMESTAMP_TRUNC(observed_at, MINUTE) AS minute,
      service, operation, name, kind, temporality, failed,
      COALESCE(LOWER(JSON_VALUE(attributes, '$."error.type"')) LIKE '%timeout%', FALSE) AS timed_out,
      COALESCE(CAST(count AS FLOAT64), value) AS n, COALESCE(total, 0.0) AS total, buckets
    FROM telemetry.metric_points
    WHERE observed_at >= @before AND observed_at < @until AND operation IS NOT NULL AND kind != 'gauge'
    QUALIFY ROW_NUMBER() OVER (PARTITION BY point_id ORDER BY observed_at) = 1
  ),
  runs AS (
    SELECT
      *, LAG(n) OVER (PARTITION BY series_id, run ORDER BY observed_at) AS last_n,
      LEAD(n) OVER (PARTITION BY series_id, run ORDER BY observed_at) AS next_n,
      LEAD(minute) OVER (PARTITION BY series_id, run ORDER BY observed_at) AS next_minute
    FROM points
  ),
  -- A cumulative point adds all that it has to its minute, and takes it from that of the next one, unless the counter began anew.
  -- The first one of a run that began before the look-back adds nothing: what it counts may be long ago.
  signed AS (
    SELECT minute, service, operation, name, kind, failed, timed_out, n, total, buckets, 1.0 AS sign
    FROM runs
    WHERE temporality = 'delta' OR last_n IS NOT NULL OR run >= @before
    UNION ALL
    SELECT next_minute, service, operation, name, kind, failed, timed_out, n, total, buckets, -1.0
    FROM runs
    WHERE temporality = 'cumulative' AND next_n >= n
  ),
  cells AS (
    SELECT
      'spans' AS source, minute, service, operation, name, bucket, CAST(COUNT(*) AS FLOAT64) AS n, CAST(COUNT(*) AS FLOAT64) AS calls,
      CAST(COUNTIF(failed) AS FLOAT64) AS failures, CAST(COUNTIF(timed_out) AS FLOAT64) AS timeouts,
      SUM(seconds) AS seconds, SUM(tokens_in) AS tokens_in, SUM(tokens_out) AS tokens_out, SUM(dollars) AS dollars
    FROM spans
    GROUP BY minute, service, operation, name, bucket
    UNION ALL
    SELECT
      'metrics', minute, service, operation, name, NULL, 0.0, SUM(sign * n), SUM(IF(kind = 'sum' OR failed, sign * n, 0.0)),
      SUM(IF(timed_out, sign * n, 0.0)), SUM(sign * total), NULL, NULL, NULL
    FROM signed
    WHERE minute >= @since
    GROUP BY minute, service, operation, name
    UNION ALL
    SELECT 'metrics', minute, service, operation, name, part.bucket, SUM(sign * part.n), 0.0, 0.0, 0.0, 0.0, NULL, NULL, NULL
    FROM signed, UNNEST(buckets) AS part
    WHERE minute >= @since
    GROUP BY minute, service, operation, name, part.bucket
    UNION ALL
    SELECT
      'logs', minute, service, 'log', severity, NULL, 0.0, CAST(COUNT(*) AS FLOAT64),
      CAST(COUNTIF(severity IN ('error', 'fatal')) AS FLOAT64), 0.0, 0.0, NULL, NULL, NULL
    FROM (
      SELECT TIMESTAMP_TRUNC(observed_at, MINUTE) AS minute, service, severity
      FROM telemetry.log_records
      WHERE observed_at >= @since AND observed_at < @until
      QUALIFY ROW_NUMBER() OVER (PARTITION BY record_id ORDER BY observed_at) = 1
    ) AS records
    GROUP BY minute, service, severity
  ),
  services AS (
    SELECT service, ROW_NUMBER() OVER (ORDER BY SUM(calls) DESC, service) AS place
    FROM cells
    GROUP BY service
  ),
  names AS (
    SELECT service, operation, name, ROW_NUMBER() OVER (PARTITION BY service, operation ORDER BY SUM(calls) DESC, name) AS place
    FROM cells
    GROUP BY service, operation, name
  ),
  bounded AS (
    SELECT
      cells.source, cells.minute, IF(services.place <= @most_services, cells.service, 'other') AS service, cells.operation,
      IF(services.place <= @most_services AND names.place <= @most_names, cells.name, 'other') AS name, cells.bucket, cells.n, cells.calls, cells.failures,
      cells.timeouts, cells.seconds, cells.tokens_in, cells.tokens_out, cells.dollars,
      IF(services.place <= @most_services, NULL, cells.service) AS other_service,
      IF(services.place <= @most_services AND names.place <= @most_names, NULL, CONCAT(cells.service, ' ', cells.name)) AS other_name
    FROM cells
    JOIN services ON services.service = cells.service
    JOIN names ON names.service = cells.service AND names.operation = cells.operation AND names.name = cells.name
  ),
  histograms AS (
    SELECT source, minute, service, operation, name, ARRAY_AGG(STRUCT(bucket AS bucket, n AS n) ORDER BY bucket) AS buckets
    FROM (
      SELECT source, minute, service, operation, name, bucket, SUM(bounded.n) AS n
      FROM bounded
      WHERE bucket IS NOT NULL
      GROUP BY source, minute, service, operation, name, bucket
      HAVING SUM(bounded.n) > 0
    ) AS summed
    GROUP BY source, minute, service, operation, name
  ),
  totals AS (
    SELECT
      source, minute, service, operation, name, SUM(calls) AS calls, SUM(failures) AS failures, SUM(timeouts) AS timeouts, SUM(seconds) AS seconds,
      SUM(tokens_in) AS tokens_in, SUM(tokens_out) AS tokens_out, SUM(dollars) AS dollars, COUNT(DISTINCT other_service) AS other_services,
      COUNT(DISTINCT other_name) AS other_names
    FROM bounded
    GROUP BY source, minute, service, operation, name
  )
  SELECT totals.*, histograms.buckets
  FROM totals
  LEFT JOIN histograms
    ON histograms.source = totals.source AND histograms.minute = totals.minute AND histograms.service = totals.service
    AND histograms.operation = totals.operation AND histograms.name = totals.name
  WHERE totals.calls > 0
) AS fresh
ON FALSE
WHEN NOT MATCHED BY SOURCE AND mart.minute >= @since AND mart.minute < @until THEN DELETE
WHEN NOT MATCHED BY TARGET THEN
  INSERT (
    source, minute, service, operation, name, calls, failures, timeouts, seconds, tokens_in, tokens_out, dollars, other_services, other_names, buckets
  )
  VALUES (
    fresh.source, fresh.minute, fresh.service, fresh.operation, fresh.name, fresh.calls, fresh.failures, fresh.timeouts, fresh.seconds,
    fresh.tokens_in, fresh.tokens_out, fresh.dollars, fresh.other_services, fresh.other_names, fresh.buckets
  )
