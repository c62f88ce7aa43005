-- The summed windows of some models with some of their rows: a row a model, so that each is scored, and forgotten, while the next ones are
-- on their way.
WITH
  windows AS (
{windows}
  ),
  samples AS (
{samples}
  ),
  counted AS (
    SELECT model, ANY_VALUE(profile) AS profile, MAX(newest) AS newest, ARRAY_AGG(windows) AS features
    FROM windows
    GROUP BY model
  ),
  sampled AS (
    SELECT profile, ARRAY_AGG(samples ORDER BY since) AS parts
    FROM samples
    GROUP BY profile
  )
SELECT counted.model, counted.profile, counted.newest, counted.features, sampled.parts
FROM counted
LEFT JOIN sampled ON sampled.profile = counted.profile
