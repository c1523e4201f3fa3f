"""Tests that run the connector against a local Stripe, the emulator."""
