-- Figures of one day, each in place of what was written of it before: run again, it changes nothing.
MERGE marts.figures AS kept
USING (SELECT r.measured_at, r.name, r.labels, r.value FROM UNNEST(@figures) AS r) AS given
ON kept.day = @day AND kept.name = given.name AND kept.labels = given.labels
WHEN MATCHED THEN
  UPDATE SET measured_at = given.measured_at, value = given.value
WHEN NOT MATCHED THEN
  INSERT (day, measured_at, name, labels, value) VALUES (@day, given.measured_at, given.name, given.labels, given.value)
