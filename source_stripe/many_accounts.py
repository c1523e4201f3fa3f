"""Many accounts: what the catalog offers, and what a sync of them is made of."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from airbyte_cdk.models import AirbyteCatalog, AirbyteStream, SyncMode
from airbyte_cdk.sources.message import MessageRepository
from airbyte_cdk.sources.streams.concurrent.abstract_stream import AbstractStream

from source_stripe.accounts.account_rows import STREAM as ACCOUNT_SYNCS
from source_stripe.accounts.listing import Accounts
from source_stripe.accounts.platform_sync import Work
from source_stripe.api.account import AccountReader, Reader
from source_stripe.api.listing import Listing
from source_stripe.api.pages import StartingAfter
from source_stripe.api.requester import StripeRequester
from source_stripe.catalog.config import Config
from source_stripe.catalog.pushing import digest
from source_stripe.catalog.several_accounts import key_of, schema_of
from source_stripe.catalog.stream_rows import StreamRow
from source_stripe.catalog.terms import OwnStream
from source_stripe.streams import StreamBuilder

Saved = Callable[[str], Mapping[str, Any]]


def offered(catalog: AirbyteCatalog, rows: Mapping[str, StreamRow], own: OwnStream) -> AirbyteCatalog:
    """The catalog with the account in every row and every key, and the stream that tells of accounts."""
    for stream in catalog.streams:
        key = tuple(name for (name,) in stream.source_defined_primary_key or ())
        stream.source_defined_primary_key = [[name] for name in key_of(key)]
        stream.json_schema = schema_of(rows[stream.name], stream.json_schema)
    told = AirbyteStream(
        name=own.name,
        json_schema=own.schema_of_rows,
        supported_sync_modes=[SyncMode.full_refresh, SyncMode.incremental],
        source_defined_cursor=True,
        default_cursor_field=[own.cursor],
        source_defined_primary_key=[[name] for name in own.primary_key],
        is_resumable=True,
        is_file_based=False,
    )
    return AirbyteCatalog(streams=[*catalog.streams, told])


def work_of(
    config: Config,
    builder: StreamBuilder,
    reader: AccountReader,
    names: Collection[str],
    saved: Saved,
    refreshed: Collection[str],
) -> Work:
    """What a sync of these streams has to do."""

    def build(
        requester: StripeRequester,
        account: Reader,
        messages: MessageRepository,
        wanted: Collection[str],
        states: Saved,
    ) -> Sequence[AbstractStream]:
        own = account.read().id
        of_one = replace(builder, requester=requester, account=account, messages=messages, account_id=own, feeds={})
        return of_one.build(wanted, states)

    return Work(
        config=config,
        requester=builder.requester,
        accounts=lambda: Accounts.of(
            config, builder.requester, list_of_accounts(builder.requester, builder.paging), reader
        ),
        build=build,
        rows={name: row for name, row in builder.rows.items() if name in names},
        saved=saved,
        refreshed=refreshed,
        tells_of_accounts=ACCOUNT_SYNCS in names,
        progress=builder.progress,
        filters={name: told for name, row in builder.rows.items() if (told := digest(row, builder.rows)) is not None},
    )


def list_of_accounts(requester: StripeRequester, paging: Mapping[str, Mapping[str, Any]]) -> Listing:
    """The accounts connected to the key's own. `paging` has the manifest's parameters of each way to page."""
    return Listing("/v1/accounts", requester, StartingAfter(**paging["starting_after"]))
