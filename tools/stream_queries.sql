-- The question of each stream in docs/streams/: `-- stream: question`, and its query. Streams that are not here have a
-- plain one (tools/stream_queries.py). Each runs by `source-stripe sql` and over the tables of a sync that DuckDB holds. Money is in
-- the currency's smallest unit, times are Unix seconds.

-- account: What is the account allowed to do?
SELECT id, country, default_currency, charges_enabled, payouts_enabled, details_submitted FROM account;

-- balance: What is in the balance, by currency?
SELECT part.currency, sum(part.amount) AS available
FROM (SELECT unnest(available) AS part FROM balance)
GROUP BY ALL;

-- balance_transactions: What do fees cost each month?
SELECT strftime(epoch_ms(created * 1000), '%Y-%m') AS month, currency, reporting_category,
       sum(amount) AS gross, sum(fee) AS fees, sum(net) AS net
FROM balance_transactions
GROUP BY ALL ORDER BY month DESC, gross DESC;

-- charges: What was taken each month, and what was given back of it?
SELECT strftime(epoch_ms(created * 1000), '%Y-%m') AS month, currency,
       count(*) AS charges, sum(amount_captured) AS taken, sum(amount_refunded) AS given_back
FROM charges
WHERE paid AND is_deleted IS NOT TRUE
GROUP BY ALL ORDER BY month DESC;

-- customers: How many customers came each month?
SELECT strftime(epoch_ms(created * 1000), '%Y-%m') AS month, count(*) AS new_customers
FROM customers
WHERE is_deleted IS NOT TRUE
GROUP BY ALL ORDER BY month DESC;

-- disputes: How do disputes end, and what are they about?
SELECT status, reason, currency, count(*) AS disputes, sum(amount) AS amount
FROM disputes
GROUP BY ALL ORDER BY disputes DESC;

-- events: What happens most often?
SELECT type, count(*) AS events FROM events GROUP BY ALL ORDER BY events DESC LIMIT 20;

-- files: How much is stored, and what for?
SELECT purpose, count(*) AS files, sum(size) AS bytes FROM files GROUP BY ALL ORDER BY bytes DESC;

-- file_links: Until when can files be opened by a link?
SELECT f.filename, f.purpose, l.expired, epoch_ms(l.expires_at * 1000) AS until
FROM file_links AS l JOIN files AS f ON f.id = l.file
ORDER BY until;

-- mandates: Which payment methods may be debited?
SELECT type, status, count(*) AS mandates FROM mandates GROUP BY ALL ORDER BY mandates DESC;

-- payment_intents: How many payments wait, and for what?
SELECT status, currency, count(*) AS payments, sum(amount) AS amount
FROM payment_intents
GROUP BY ALL ORDER BY payments DESC;

-- payment_intents_amount_details_line_items: What was paid for?
SELECT product_name, sum(quantity) AS pieces, sum(quantity * unit_cost) AS amount
FROM payment_intents_amount_details_line_items
WHERE is_deleted IS NOT TRUE
GROUP BY ALL ORDER BY amount DESC;

-- payouts: Did the money reach the bank?
SELECT status, currency, count(*) AS payouts, sum(amount) AS amount, max(epoch_ms(arrival_date * 1000)) AS latest_arrival
FROM payouts
GROUP BY ALL ORDER BY payouts DESC;

-- payout_balance_transactions: What is each payout made of?
SELECT p.id, epoch_ms(p.arrival_date * 1000) AS arrives, p.amount, t.reporting_category,
       count(*) AS transactions, sum(t.net) AS net
FROM payout_balance_transactions AS t JOIN payouts AS p ON p.id = t.payout
WHERE t.is_deleted IS NOT TRUE
GROUP BY ALL ORDER BY arrives DESC, net DESC;

-- refunds: Why is money given back?
SELECT reason, status, currency, count(*) AS refunds, sum(amount) AS amount
FROM refunds
GROUP BY ALL ORDER BY refunds DESC;

-- setup_attempts: Which payment methods could not be set up?
SELECT a.status, i.status AS intent, a.setup_error.code AS error, count(*) AS attempts
FROM setup_attempts AS a JOIN setup_intents AS i ON i.id = a.setup_intent
GROUP BY ALL ORDER BY attempts DESC;

-- payment_methods: How do customers pay?
SELECT type, card.brand, count(*) AS methods FROM payment_methods GROUP BY ALL ORDER BY methods DESC;

-- customer_payment_methods: Which cards of customers expire next?
SELECT c.email, m.card.brand, m.card.last4, m.card.exp_year, m.card.exp_month
FROM customer_payment_methods AS m JOIN customers AS c ON c.id = m.customer
WHERE m.card.exp_year IS NOT NULL AND m.is_deleted IS NOT TRUE
ORDER BY m.card.exp_year, m.card.exp_month LIMIT 20;

-- checkout_sessions: How many sessions end in a payment?
SELECT mode, status, payment_status, count(*) AS sessions, sum(amount_total) AS amount
FROM checkout_sessions
GROUP BY ALL ORDER BY sessions DESC;

-- checkout_sessions_line_items: What is bought in Checkout?
SELECT description, currency, sum(quantity) AS pieces, sum(amount_total) AS amount
FROM checkout_sessions_line_items
GROUP BY ALL ORDER BY amount DESC;

-- products: What does each product cost?
SELECT p.name, r.unit_amount, r.currency, r.recurring.interval
FROM products AS p JOIN prices AS r ON r.product = p.id
WHERE r.active AND p.is_deleted IS NOT TRUE AND r.is_deleted IS NOT TRUE
ORDER BY p.name;

-- prices: Which prices do subscriptions use most?
SELECT r.id, r.nickname, r.unit_amount, r.currency, count(*) AS items, sum(i.quantity) AS quantity
FROM prices AS r JOIN subscription_items AS i ON i.price.id = r.id
WHERE i.is_deleted IS NOT TRUE
GROUP BY ALL ORDER BY items DESC LIMIT 20;

-- coupons: Which coupons are used most?
SELECT id, name, percent_off, amount_off, duration, times_redeemed FROM coupons ORDER BY times_redeemed DESC LIMIT 20;

-- promotion_codes: Which codes are used most?
SELECT code, active, times_redeemed, max_redemptions FROM promotion_codes ORDER BY times_redeemed DESC LIMIT 20;

-- tax_rates: Which tax rates are in use?
SELECT display_name, country, state, percentage, inclusive, active FROM tax_rates ORDER BY active DESC, country;

-- invoices: What is billed each month, and what of it is open?
SELECT strftime(epoch_ms(created * 1000), '%Y-%m') AS month, currency, status,
       count(*) AS invoices, sum(total) AS billed, sum(amount_remaining) AS remaining
FROM invoices
WHERE is_deleted IS NOT TRUE
GROUP BY ALL ORDER BY month DESC, billed DESC;

-- invoice_line_items: What is billed for?
SELECT l.description, l.currency, count(*) AS lines, sum(l.amount) AS amount
FROM invoice_line_items AS l JOIN invoices AS i ON i.id = l.invoice_id
WHERE l.is_deleted IS NOT TRUE AND i.is_deleted IS NOT TRUE
GROUP BY ALL ORDER BY amount DESC LIMIT 20;

-- invoice_items: What will the next invoices have beside subscriptions?
SELECT customer, currency, count(*) AS items, sum(amount) AS amount, count(invoice) AS billed
FROM invoice_items
WHERE is_deleted IS NOT TRUE
GROUP BY ALL ORDER BY amount DESC LIMIT 20;

-- invoice_payments: Which payments pay which invoices?
SELECT p.invoice, i.number, p.status, p.currency, p.amount_requested, p.amount_paid, p.payment.type
FROM invoice_payments AS p JOIN invoices AS i ON i.id = p.invoice
ORDER BY p.created DESC LIMIT 20;

-- credit_notes: Why are invoices credited?
SELECT reason, status, currency, count(*) AS notes, sum(total) AS amount
FROM credit_notes
GROUP BY ALL ORDER BY notes DESC;

-- customer_balance_transactions: What changed customers' balances?
SELECT type, currency, count(*) AS transactions, sum(amount) AS amount
FROM customer_balance_transactions
GROUP BY ALL ORDER BY transactions DESC;

-- customer_tax_ids: Which tax IDs do customers have?
SELECT c.email, t.type, t.country, t.verification.status
FROM customer_tax_ids AS t JOIN customers AS c ON c.id = t.customer
WHERE t.is_deleted IS NOT TRUE
ORDER BY c.email LIMIT 20;

-- discounts: Which coupons are applied, and to what?
SELECT source.coupon AS coupon, count(*) AS discounts, count(subscription) AS of_subscriptions, count(invoice) AS of_invoices
FROM discounts
WHERE is_deleted IS NOT TRUE
GROUP BY ALL ORDER BY discounts DESC LIMIT 20;

-- quotes: How many quotes are accepted?
SELECT status, currency, count(*) AS quotes, sum(amount_total) AS amount FROM quotes GROUP BY ALL ORDER BY quotes DESC;

-- subscriptions: How many subscriptions are there, and how many will end?
SELECT status, currency, count(*) AS subscriptions, count(*) FILTER (cancel_at_period_end) AS will_end
FROM subscriptions
GROUP BY ALL ORDER BY subscriptions DESC;

-- subscription_items: What do running subscriptions bring a month?
SELECT i.price.currency,
       round(sum(i.quantity * i.price.unit_amount / CASE i.price.recurring.interval
         WHEN 'day' THEN 12 / 365 WHEN 'week' THEN 12 / 52 WHEN 'year' THEN 12 ELSE 1 END
         / i.price.recurring.interval_count)) AS a_month
FROM subscription_items AS i JOIN subscriptions AS s ON s.id = i.subscription
WHERE s.status IN ('active', 'past_due') AND i.is_deleted IS NOT TRUE
GROUP BY ALL;

-- usage_records: How much was used in each period?
SELECT subscription_item, epoch_ms(period.start * 1000) AS begins, total_usage
FROM usage_records
ORDER BY begins DESC LIMIT 20;

-- billing_meter_event_summaries: Who used how much?
SELECT m.display_name, s.customer_id, sum(s.aggregated_value) AS used
FROM billing_meter_event_summaries AS s JOIN billing_meters AS m ON m.id = s.meter
GROUP BY ALL ORDER BY used DESC LIMIT 20;

-- entitlements_active_entitlements: Who may use which feature?
SELECT c.email, e.lookup_key
FROM entitlements_active_entitlements AS e JOIN customers AS c ON c.id = e.customer_id
WHERE e.is_deleted IS NOT TRUE
ORDER BY c.email LIMIT 20;

-- accounts: Which connected accounts can't be paid out?
SELECT id, country, type, charges_enabled, payouts_enabled, requirements.disabled_reason FROM accounts ORDER BY payouts_enabled;

-- account_capabilities: Which capabilities wait for something?
SELECT account, id, status, requirements.disabled_reason FROM account_capabilities ORDER BY account, id;

-- application_fees: What do connected accounts pay in fees?
SELECT account, currency, count(*) AS fees, sum(amount - amount_refunded) AS kept
FROM application_fees
GROUP BY ALL ORDER BY kept DESC LIMIT 20;

-- transfers: What was sent to whom?
SELECT destination, currency, count(*) AS transfers, sum(amount - amount_reversed) AS sent
FROM transfers
GROUP BY ALL ORDER BY sent DESC LIMIT 20;

-- top_ups: What was topped up?
SELECT status, currency, count(*) AS top_ups, sum(amount) AS amount FROM top_ups GROUP BY ALL ORDER BY top_ups DESC;

-- early_fraud_warnings: Which warned charges can still be refunded?
SELECT w.id, w.fraud_type, w.actionable, c.amount, c.currency, c.refunded
FROM early_fraud_warnings AS w JOIN charges AS c ON c.id = w.charge
ORDER BY w.created DESC LIMIT 20;

-- reviews: How are payments under review decided?
SELECT open, reason, closed_reason, count(*) AS reviews FROM reviews GROUP BY ALL ORDER BY reviews DESC;

-- authorizations: What do issued cards pay for?
SELECT merchant_data.category, approved, currency, count(*) AS authorizations, sum(amount) AS amount
FROM authorizations
GROUP BY ALL ORDER BY authorizations DESC LIMIT 20;

-- transactions: What does each cardholder spend?
SELECT h.name, t.currency, t.type, count(*) AS transactions, -sum(t.amount) AS spent
FROM transactions AS t JOIN cardholders AS h ON h.id = t.cardholder
GROUP BY ALL ORDER BY spent DESC LIMIT 20;

-- treasury_transactions: What moved on each financial account?
SELECT financial_account, flow_type, currency, status, count(*) AS transactions, sum(amount) AS amount
FROM treasury_transactions
GROUP BY ALL ORDER BY transactions DESC LIMIT 20;

-- tax_transactions_line_items: What tax was collected on what?
SELECT tax_code, tax_behavior, type, sum(amount) AS amount, sum(amount_tax) AS tax
FROM tax_transactions_line_items
GROUP BY ALL ORDER BY tax DESC;

-- tax_registrations: Where is tax collected?
SELECT country, status, epoch_ms(active_from * 1000) AS since FROM tax_registrations ORDER BY country;

-- climate_orders: What is removed, and what does it cost?
SELECT status, currency, sum(metric_tons::DOUBLE) AS tons, sum(amount_total) AS amount
FROM climate_orders
GROUP BY ALL ORDER BY amount DESC;

-- webhook_endpoints: Who is told of events?
SELECT url, status, api_version, len(enabled_events) AS types FROM webhook_endpoints ORDER BY url;

-- v2_core_accounts: Which accounts are open?
SELECT display_name, contact_email, dashboard, closed, created FROM v2_core_accounts ORDER BY created DESC LIMIT 20;

-- v2_money_management_transactions: What moved on each financial account?
SELECT financial_account, category, status, count(*) AS transactions
FROM v2_money_management_transactions
GROUP BY ALL ORDER BY transactions DESC LIMIT 20;

-- billing_credit_grants: What credit was granted, and until when?
SELECT name, customer, category, epoch_ms(effective_at * 1000) AS begins, epoch_ms(expires_at * 1000) AS expires
FROM billing_credit_grants
WHERE is_deleted IS NOT TRUE
ORDER BY begins DESC LIMIT 20;

-- exchange_rates: What is a currency worth in others?
SELECT id, rates FROM exchange_rates ORDER BY id LIMIT 20;

-- country_specs: Which currencies can be taken where?
SELECT id, default_currency, len(supported_payment_currencies) AS currencies FROM country_specs ORDER BY id LIMIT 20;

-- balance_settings: When is the balance paid out?
SELECT account_id, payments FROM balance_settings;

-- plans: What do plans cost?
SELECT id, nickname, amount, currency, interval, interval_count, active FROM plans ORDER BY amount DESC LIMIT 20;

-- payment_records: Which payments are recorded?
SELECT id, customer_presence, description, epoch_ms(created * 1000) AS day FROM payment_records ORDER BY day DESC LIMIT 20;

-- radar_value_lists: Which lists are there, and who made them?
SELECT alias, name, item_type, created_by FROM radar_value_lists ORDER BY alias LIMIT 20;
