-- The return of each model over 30 days, as of the newest day of the week, with what it is based on.
SELECT day, model, arm, basis, basis_text, verdict, reason, target, cost, revenue_middle AS revenue, roi_low, roi_middle, roi_high
FROM marts.model_roi
WHERE day > @day_since AND day <= @day_until
QUALIFY DENSE_RANK() OVER (ORDER BY day DESC) = 1
ORDER BY model, arm
