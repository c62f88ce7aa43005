-- Booked revenue and payments of some sources by hour; an hour without an order has no row.
SELECT source, hour, dollars, taken + refunded + failed + unknown AS payments
FROM marts.revenue_hourly
WHERE hour >= @since AND hour < @until AND source IN UNNEST(@sources)
ORDER BY source, hour
