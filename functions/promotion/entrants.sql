-- Of each model: the version in use at an instant, the one in use before it, and the newest version that was registered after every
-- version that was ever in use or had an alias, with the instant from which on predictions neither trained nor chose it and the
-- version in use answered; NULL where it is not known.
WITH
  used AS (
    SELECT model, version, in_use_from
    FROM ops.model_versions_in_use
    WHERE model IN UNNEST(@models) AND in_use_from <= @at
  ),
  champions AS (
    SELECT model, version, in_use_from
    FROM used
    WHERE TRUE
    QUALIFY ROW_NUMBER() OVER (PARTITION BY model ORDER BY in_use_from DESC, version DESC) = 1
  ),
  former AS (
    SELECT used.model, used.version
    FROM used
    JOIN champions ON champions.model = used.model
    WHERE used.version != champions.version
    QUALIFY ROW_NUMBER() OVER (PARTITION BY used.model ORDER BY used.in_use_from DESC, used.version DESC) = 1
  ),
  named AS (
    SELECT model, version FROM used
    UNION DISTINCT
    SELECT model, version FROM ops.model_aliases WHERE model IN UNNEST(@models) AND version IS NOT NULL
  ),
  newest_named AS (
    SELECT known.model, MAX(known.created_at) AS created_at
    FROM ops.model_versions AS known
    JOIN named ON named.model = known.model AND named.version = known.version
    GROUP BY known.model
  ),
  entrants AS (
    SELECT known.model, known.version, known.held_out_until
    FROM ops.model_versions AS known
    JOIN newest_named ON newest_named.model = known.model
    WHERE known.created_at > newest_named.created_at AND known.created_at <= @at
    QUALIFY ROW_NUMBER() OVER (PARTITION BY known.model ORDER BY known.created_at DESC, known.version DESC) = 1
  )
SELECT
  champions.model, champions.version AS champion, former.version AS former, entrants.version AS entrant,
  GREATEST(entrants.held_out_until, champions.in_use_from) AS unseen_from
FROM champions
LEFT JOIN former ON former.model = champions.model
LEFT JOIN entrants ON entrants.model = champions.model
ORDER BY champions.model
