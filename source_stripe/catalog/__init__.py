"""What can be asked for: the config, the manifest's rows, schemas, expansions. No HTTP."""
