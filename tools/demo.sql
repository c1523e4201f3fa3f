-- What `make demo` asks the tables that it filled. Stripe counts money in cents and time in Unix seconds: hence the / 100
-- and the epoch_ms. Each question is one comment and one query.

-- Some charges
SELECT * FROM charges LIMIT 5;

-- What does Stripe keep of every card payment?
SELECT strftime(epoch_ms(created * 1000), '%Y-%m') AS month, currency, count(*) AS charges,
       sum(amount) / 100 AS gross, sum(fee) / 100 AS fees, round(100 * sum(fee) / sum(amount), 2) AS percent
  FROM balance_transactions
 WHERE type = 'charge'
 GROUP BY month, currency
 ORDER BY month DESC LIMIT 6;

-- How many customers came each month?
SELECT strftime(epoch_ms(created * 1000), '%Y-%m') AS month, count(*) AS new_customers,
       sum(count(*)) OVER (ORDER BY month) AS in_all
  FROM customers
 WHERE is_deleted IS NOT TRUE
 GROUP BY month
 ORDER BY month DESC LIMIT 6;

-- How do disputes end?
SELECT status, currency, count(*) AS disputes, sum(amount) / 100 AS amount, mode(reason) AS most_often_for
  FROM disputes
 GROUP BY status, currency
 ORDER BY disputes DESC;

-- Did the money reach the bank?
SELECT status, currency, count(*) AS payouts, sum(amount) / 100 AS amount,
       epoch_ms(max(arrival_date) * 1000)::DATE AS latest_arrival
  FROM payouts
 GROUP BY status, currency
 ORDER BY payouts DESC;

-- How much is given back?
SELECT currency, count(*) AS refunds, sum(amount) / 100 AS given_back, any_value(charged) / 100 AS charged,
       round(100 * sum(amount) / any_value(charged), 2) AS percent, mode(reason) AS most_often_for
  FROM refunds
  JOIN (SELECT currency, sum(amount) AS charged FROM charges WHERE paid GROUP BY currency) USING (currency)
 WHERE status = 'succeeded'
 GROUP BY currency
 ORDER BY refunds DESC;
