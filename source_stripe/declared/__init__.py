"""The manifest's own components, as the CDK by itself builds them: plain pages, with whole nested lists."""
