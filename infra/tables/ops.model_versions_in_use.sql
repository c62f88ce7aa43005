-- Which version of a model has been in use since when, one row a switch: the newest row up to an instant is that of the version
-- in use. A switch is a change of the champion; before a model has one, it is the registration of a version.
SELECT registered.model, registered.version, registered.reference_start, registered.reference_end, registered.created_at AS in_use_from
FROM `{project}.ops.model_versions` AS registered
LEFT JOIN (
  SELECT model, MIN(changed_at) AS changed_at
  FROM `{project}.ops.model_aliases`
  WHERE alias = 'champion'
  GROUP BY model
) AS first_champion ON first_champion.model = registered.model
WHERE first_champion.changed_at IS NULL OR registered.created_at < first_champion.changed_at
UNION ALL
SELECT champion.model, champion.version, known.reference_start, known.reference_end, champion.changed_at AS in_use_from
FROM (
  -- A change of its traffic alone is no switch.
  SELECT model, version, changed_at
  FROM `{project}.ops.model_aliases`
  WHERE alias = 'champion'
  QUALIFY COALESCE(LAG(version) OVER (PARTITION BY model ORDER BY changed_at, id) != version, TRUE)
) AS champion
LEFT JOIN (
  SELECT model, version, reference_start, reference_end
  FROM `{project}.ops.model_versions`
  WHERE TRUE
  QUALIFY ROW_NUMBER() OVER (PARTITION BY model, version ORDER BY created_at DESC) = 1
) AS known ON known.model = champion.model AND known.version = champion.version
