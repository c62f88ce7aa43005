-- Customers who were exposed to an arm in some local days, without revenue.
SELECT TIMESTAMP_TRUNC({exposures[local_day]}, DAY) AS day, {exposures[model]} AS model, {exposures[arm]} AS arm,
  {exposures[customer]} AS customer, 0.0 AS dollars
FROM {exposures[table]} AS paid
WHERE paid.{exposures[timestamp]} >= TIMESTAMP_SUB(@since, INTERVAL 1 DAY)
  AND paid.{exposures[timestamp]} < TIMESTAMP_ADD(@until, INTERVAL 1 DAY)
