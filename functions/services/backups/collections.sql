-- The collections in an export of a backup.
SELECT DISTINCT collection
FROM backups.documents
WHERE backup_at = @backup_at AND export = @export
ORDER BY collection
