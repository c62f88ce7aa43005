-- The documents of a collection in an export of a backup; rows may be there twice.
SELECT collection, key, ANY_VALUE(data) AS data
FROM backups.documents
WHERE backup_at = @backup_at AND export = @export AND collection = @collection
GROUP BY collection, key
ORDER BY key
