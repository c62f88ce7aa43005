-- Findings, each delivery once, as the incident service took them, the newest first. An empty text takes everything.
SELECT id, target, kind, status, severity, observed_at, source, summary, value, threshold, unit, published_at, incident_group
FROM ops.findings
WHERE published_at >= @since AND published_at < @until
  AND (published_at < @before OR (published_at = @before AND id < @before_id))
  AND (@target = '%' OR target LIKE @target)
  AND (@source = '' OR source = @source)
  AND (@kind = '' OR kind = @kind)
ORDER BY published_at DESC, id DESC
LIMIT @most
