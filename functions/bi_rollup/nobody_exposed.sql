-- No exposures: the settings name no table of them.
SELECT
  CAST(NULL AS TIMESTAMP) AS day, CAST(NULL AS STRING) AS model, CAST(NULL AS STRING) AS arm, CAST(NULL AS STRING) AS customer,
  0.0 AS dollars
FROM UNNEST([1]) AS nothing
WHERE nothing = 0
