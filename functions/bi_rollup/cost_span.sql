-- The first and the last day with costs between two instants, NULL without one.
SELECT MIN(ChargePeriodStart) AS oldest, MAX(ChargePeriodStart) AS newest
FROM marts.costs_daily
WHERE ChargePeriodStart >= @since AND ChargePeriodStart < @until
