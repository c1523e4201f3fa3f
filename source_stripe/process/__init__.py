"""What every command does around the reading: inputs, output, signals, reports."""
