-- The newest dead letters since an instant, without their bodies, which may be a megabyte each; a message that was parked twice is one.
SELECT
  id, MIN(received_at) AS received_at, COUNT(*) AS n_parked, ANY_VALUE(function) AS function, ANY_VALUE(subscription) AS subscription,
  ANY_VALUE(message_id) AS message_id, ANY_VALUE(reason) AS reason, ANY_VALUE(attributes) AS attributes
FROM ops.dead_letters
WHERE received_at >= @since
GROUP BY id
ORDER BY received_at DESC
LIMIT @most
