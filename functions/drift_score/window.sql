-- One model's predictions between two instants, each once. Of very many it takes a sample, always the same.
SELECT {columns}
FROM {table} AS predictions
WHERE {timestamp} >= @window_start AND {timestamp} < @window_end AND model = @model
QUALIFY ROW_NUMBER() OVER (PARTITION BY {id} ORDER BY {timestamp}) = 1
ORDER BY MD5(CAST({id} AS STRING))
LIMIT @most
