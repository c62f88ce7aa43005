-- Documents of backups that were made before an instant.
DELETE FROM backups.documents
WHERE backup_at < @before
