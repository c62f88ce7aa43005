-- Booked net revenue and payments of some sources by hour, and how many of these have no exchange rate; an hour without an order has
-- no row. Test orders do not say that customers can order.
SELECT
  source, hour, dollars, taken + refunded + failed + unknown + COALESCE(no_rate, 0) AS payments, COALESCE(no_rate, 0) AS no_rate
FROM marts.revenue_hourly
WHERE hour >= @since AND hour < @until AND source IN UNNEST(@sources)
ORDER BY source, hour
