-- All figures of one day, in place of those written before: run again, it changes nothing.
MERGE marts.figures AS kept
USING (SELECT r.measured_at, r.name, r.labels, r.value FROM UNNEST(@figures) AS r) AS given
ON FALSE
WHEN NOT MATCHED BY SOURCE AND kept.day = @day THEN DELETE
WHEN NOT MATCHED BY TARGET THEN
  INSERT (day, measured_at, name, labels, value) VALUES (@day, given.measured_at, given.name, given.labels, given.value)
