-- The newest runs of each task of upkeep since an instant; a run that was recorded twice is one.
WITH runs AS (
  SELECT task, due, written_at, outcome, seconds, detail, fault
  FROM ops.maintenance_runs
  WHERE written_at >= @since
  QUALIFY ROW_NUMBER() OVER (PARTITION BY id ORDER BY written_at DESC) = 1
)
SELECT task, due, written_at, outcome, seconds, detail, fault
FROM runs
WHERE TRUE
QUALIFY ROW_NUMBER() OVER (PARTITION BY task ORDER BY written_at DESC) <= @most
ORDER BY written_at DESC
