-- The features of one model's predictions between two instants, each prediction once.
-- Of very many it takes a sample, always the same.
SELECT {features}
FROM {table}
WHERE {timestamp} >= @window_start AND {timestamp} < @window_end AND model = @model
QUALIFY ROW_NUMBER() OVER (PARTITION BY {id} ORDER BY {timestamp}) = 1
ORDER BY MD5(CAST({id} AS STRING))
LIMIT @most
