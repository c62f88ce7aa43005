-- The newest record of each backup, the newest backup first.
SELECT status, detail, manifest
FROM backups.manifests
WHERE TRUE
QUALIFY ROW_NUMBER() OVER (PARTITION BY id ORDER BY written_at DESC) = 1
ORDER BY backup_at DESC
