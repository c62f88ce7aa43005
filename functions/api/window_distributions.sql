-- The distributions of one window of a model beside those of its reference, as they were written last.
SELECT version, mode, n_reference, n_current, outcome, summary, segments, features, window_start, window_end
FROM ops.window_distributions
WHERE model = @model AND window_end = @window_end
QUALIFY ROW_NUMBER() OVER (ORDER BY written_at DESC) = 1
