-- The days of usage of which lines were exported since an instant: the mart is written anew for them. Corrections of older days are
-- lines of their own. Only partitions since then are read.
SELECT DISTINCT TIMESTAMP_TRUNC(COALESCE(line.usage_start_time, line.export_time), DAY) AS day
FROM {billing[table]} AS line
WHERE line.{billing[partition]} >= TIMESTAMP_TRUNC(@since, DAY) AND line.export_time >= @since
  AND line.export_time < @exported_until
  AND COALESCE(line.usage_start_time, line.export_time) >= @oldest
ORDER BY day
