"""How fast the connector is, and what it costs: whole processes, against an emulator in a process of its own."""
