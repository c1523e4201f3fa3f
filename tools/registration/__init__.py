"""Registers the connector's image in an Airbyte instance: `python -m tools.register` is the command.

`airbyte.py` makes the calls, `likeness.py` says what is like an existing connection, `steps.py` goes step by step.
"""
