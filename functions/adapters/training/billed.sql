-- Dollars that are billed for a pipeline between two instants, and the last day that is billed; NULL where nothing is.
SELECT SUM(x_Dollars) AS dollars, MAX(ChargePeriodStart) AS newest
FROM marts.costs_daily
WHERE x_Pipeline = @pipeline AND ChargePeriodStart >= @since AND ChargePeriodStart < @until
