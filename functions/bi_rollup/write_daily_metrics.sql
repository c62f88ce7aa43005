-- Metrics of one day, each replacing the row written before: a rerun changes nothing.
MERGE marts.daily_metrics AS mart
USING (SELECT r.measured_at, r.name, r.labels, r.value FROM UNNEST(@metrics) AS r) AS fresh
ON mart.day = @day AND mart.name = fresh.name AND mart.labels = fresh.labels
WHEN MATCHED THEN
  UPDATE SET measured_at = fresh.measured_at, value = fresh.value
WHEN NOT MATCHED THEN
  INSERT (day, measured_at, name, labels, value) VALUES (@day, fresh.measured_at, fresh.name, fresh.labels, fresh.value)
