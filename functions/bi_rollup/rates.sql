-- The rate of each currency on each day: that of the newest day with one, for {rates[max_age]} days at most. Where a day has different
-- rates, it is not known.
SELECT dated.currency, day, dated.rate
FROM (
  SELECT
    currency, day AS first_day, IF(MIN(rate) = MAX(rate), MIN(rate), NULL) AS rate,
    LEAST(
      DATE_ADD(day, INTERVAL {rates[max_age]} DAY),
      COALESCE(DATE_SUB(LEAD(day) OVER (PARTITION BY currency ORDER BY day), INTERVAL 1 DAY), DATE '9999-12-31')
    ) AS last_day
  FROM (
    {rate_rows}
  ) AS rate_rows
  GROUP BY currency, day
) AS dated
CROSS JOIN UNNEST(GENERATE_DATE_ARRAY(dated.first_day, dated.last_day)) AS day
