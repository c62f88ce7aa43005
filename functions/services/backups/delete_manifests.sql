-- Manifests of backups that were made before an instant.
DELETE FROM backups.manifests
WHERE backup_at < @before
