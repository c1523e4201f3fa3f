"""What a sync's process is forked from: the connector imported, its manifest read.

Only multiprocessing's fork server imports this: it changes the connector. A process of its own spends 2.5 s on imports
and 0.3 s on the manifest before it asks Stripe for anything; forked from here it spends nothing on either.
"""

from __future__ import annotations

import gc
import logging
import os
import resource
import sys
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn
from unittest.mock import patch

from airbyte_cdk import entrypoint
from airbyte_cdk.sources.declarative import concurrent_declarative_source

from integration_tests.mutations import MUTATIONS
from integration_tests.setup import Setup
from source_stripe import source
from source_stripe.catalog.asking import Asking
from source_stripe.catalog.config import Config
from source_stripe.catalog.manifest import Manifest
from source_stripe.reading import feed
from source_stripe.run import main
from source_stripe.source import SourceStripe


def run(words: list[str], setup: Setup, stdout: int, stderr: str) -> None:
    """`source-stripe` with these words, its output going to a file descriptor and a file. Ends the process."""
    os.dup2(stdout, 1)
    os.close(stdout)
    with Path(stderr).open("wb") as file:
        os.dup2(file.fileno(), 2)
    _set_up(setup)
    _tell_peak(Path(stderr).with_name("peak"))
    sys.argv = ["source-stripe", *words]
    main()


def _set_up(setup: Setup) -> None:
    declared = Asking.of

    def asking(manifest: Manifest, config: Config) -> Asking:
        made = declared(manifest, config)
        seconds: dict[str, Any] = {**setup.backoff, **setup.timeouts}
        return replace(made, patience=replace(made.patience, **seconds))

    patch.object(Asking, "of", asking).start()
    patch.object(source, "_CLOCK", lambda: setup.clock).start()
    if "give_up_after" in setup.backoff:
        patch.object(source, "_CHECK_PATIENCE", setup.backoff["give_up_after"]).start()
    if setup.span is not None:
        patch.object(feed, "_SPAN", setup.span).start()
    if setup.mutation is not None:
        MUTATIONS[setup.mutation]()
    if setup.tells_all:
        logging.getLogger().setLevel(logging.DEBUG)
        patch.object(entrypoint, "update_secrets", lambda _: None).start()


def _tell_peak(file: Path) -> None:
    """Write down how much memory the process took, in kilobytes (on Linux), when it ends."""
    end = os._exit

    def tell_and_end(code: int) -> NoReturn:
        file.write_text(str(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss))
        end(code)

    patch.object(os, "_exit", tell_and_end).start()


def _preload() -> None:
    """Import all, and read the manifest once for all processes to come; each still makes its own source of it."""
    import_module("source_stripe.entrypoint")
    loaded = SourceStripe(None, {"client_secret": "sk_test_emulator_preloaded"}, [])
    loaded.streams({})
    schema, manifest = loaded._declarative_component_schema, loaded.resolved_manifest
    patch.object(concurrent_declarative_source, "get_declarative_component_schema", lambda: schema).start()
    patch.multiple(
        SourceStripe,
        _pre_process_manifest=lambda *_: manifest,
        _validate_source=lambda _: None,
    ).start()
    # What is there already is shared by all processes, and garbage to none.
    gc.freeze()


_preload()
