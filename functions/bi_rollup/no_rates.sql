-- No exchange rates: the settings name no table of them.
SELECT CAST(NULL AS STRING) AS currency, CAST(NULL AS DATE) AS day, CAST(NULL AS FLOAT64) AS rate
FROM UNNEST([1]) AS nothing
WHERE nothing = 0
