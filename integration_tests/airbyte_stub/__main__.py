"""`python -m integration_tests.airbyte_stub`: the instance on port 8000, to try docs/register.md by hand."""

from __future__ import annotations

import sys
import time

from integration_tests.airbyte_stub import Instance, serve

PORT = 8000
REPOSITORY = "registry.example.com/source-stripe"
STREAMS = [{"name": name, "syncMode": "incremental_deduped_history"} for name in ("charges", "customers")]


def main() -> int:
    """Serve until Ctrl-C."""
    instance = Instance(images={f"{REPOSITORY}:0.1.0", f"{REPOSITORY}:0.2.0"})
    old = instance.old_connection(STREAMS, {"charges": {"updated": 1_790_000_000}})
    with serve(instance, PORT) as url:
        print(f"A stand-in for Airbyte listens on {url}. Its cluster can pull {', '.join(sorted(instance.images))}.")
        print(f"export AIRBYTE_CLIENT_ID={instance.client_id} AIRBYTE_CLIENT_SECRET={instance.client_secret}")
        print(f"An old connection: --like {old}", flush=True)
        try:
            while True:
                time.sleep(3_600)
        except KeyboardInterrupt:
            return 0


if __name__ == "__main__":
    sys.exit(main())
