-- How many exports the backup of an instant has; those that were broken off count.
SELECT COUNT(DISTINCT export) AS n
FROM backups.documents
WHERE backup_at = @backup_at
