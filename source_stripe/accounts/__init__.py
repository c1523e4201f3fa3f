"""Connected accounts: each is a sync of its own, and one sync runs them all."""
