"""How Stripe is asked: requests, limits, retries, errors, pages."""
