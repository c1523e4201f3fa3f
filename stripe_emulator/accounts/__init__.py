"""Ready-made accounts to fill the emulator with."""
