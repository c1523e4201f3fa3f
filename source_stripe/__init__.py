"""source-stripe: everything in a Stripe account, as Airbyte streams."""
