"""The steps of a registration, each of which finds what is there, or makes it, and says so in a line."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from airbyte_api import models

from tools.registration.airbyte import Connection, Source
from tools.registration.doing import Doing
from tools.registration.failures import MISUSED, AirbyteError, RegistrationError, sentence
from tools.registration.likeness import FoundStream, same_config
from tools.registration.taking_over import take_over

DEFINITION = "Stripe (source-stripe)"
"""What Airbyte's list of connectors shows."""

_NO_IMAGE = (
    "{} Airbyte runs the image when a definition is made or updated: can its cluster pull {}?"
    " docs/register.md says how to get an image there."
)

Answer = TypeVar("Answer")
Found = Mapping[str, FoundStream]


def register(doing: Doing) -> None:
    """All steps; raises RegistrationError where it can't go on."""
    airbyte, wanted = doing.airbyte, doing.wanted
    airbyte.sign_in()
    workspace = wanted.workspace or _only_workspace(doing)
    doing.say(f"Signed in to {airbyte.url}, workspace {workspace}.")
    # What can be wrong is read before anything is written.
    old = _old_connection(doing, workspace) if wanted.like else None
    definition_id = _definition(doing, workspace)
    source, written = _source(doing, workspace, definition_id)
    found = _look_through(doing, source, written=written)
    if old:
        take_over(doing, old, source, found)
    if doing.changes == 0:
        doing.say("Nothing was changed.")
    elif wanted.dry_run:
        doing.say("This was a dry run: nothing was changed.")
    if not old:
        doing.say("Make a connection of the source in Airbyte, or run this with --like and the ID of one.")


def _only_workspace(doing: Doing) -> str:
    there = doing.airbyte.workspaces()
    if len(there) != 1:
        named = ", ".join(f"{each.workspace_id} ({each.name})" for each in there) or "none"
        raise RegistrationError(f"Say by --workspace which workspace is meant. There are: {named}.", MISUSED)
    return there[0].workspace_id


def _old_connection(doing: Doing, workspace: str) -> Connection:
    old = doing.airbyte.connection(doing.wanted.like or "")
    its = old.shown.get("workspaceId")
    if its != workspace:
        text = f'The connection "{old.name}" belongs to the workspace {its}, not to {workspace}.'
        raise RegistrationError(f"{text} Give that one as --workspace.", MISUSED)
    return old


def _definition(doing: Doing, workspace: str) -> str | None:
    """The definition's ID; None if a dry run would make it."""
    airbyte, wanted = doing.airbyte, doing.wanted
    there = [each for each in airbyte.definitions(workspace) if each.docker_repository == wanted.repository]
    if len(there) > 1:
        named = ", ".join(f"{each.id} ({each.name})" for each in there)
        raise RegistrationError(f"There are several definitions of {wanted.repository}: {named}. Delete all but one.")
    if not there:
        made = doing.do(
            f'Definition "{DEFINITION}": {{}}, with the image {wanted.image}.',
            "made",
            lambda: _with_image(doing, lambda: _make_definition(doing, workspace)),
        )
        return made.id if made else None
    (definition,) = there
    was = definition.docker_image_tag
    if was == wanted.tag:
        doing.say(f'Definition "{definition.name}": unchanged, with the image {wanted.image}.')
    else:
        doing.do(
            f'Definition "{definition.name}": {{}}, from the image\'s tag {was} to {wanted.tag}.',
            "updated",
            lambda: _with_image(doing, lambda: airbyte.update_definition(workspace, definition, wanted.tag)),
        )
    return definition.id


def _make_definition(doing: Doing, workspace: str) -> models.DefinitionResponse:
    return doing.airbyte.make_definition(workspace, DEFINITION, doing.wanted.repository, doing.wanted.tag)


def _with_image(doing: Doing, action: Callable[[], Answer]) -> Answer:
    """An action for which Airbyte runs the image."""
    try:
        return action()
    except AirbyteError as error:
        if error.status in (None, 401, 403, 404):
            raise
        raise RegistrationError(_NO_IMAGE.format(error, doing.wanted.image)) from None


def _source(doing: Doing, workspace: str, definition_id: str | None) -> tuple[Source | None, bool]:
    """The source, None if a dry run would make it; and whether its config was written."""
    airbyte, wanted = doing.airbyte, doing.wanted
    everywhere = airbyte.sources(workspace) if definition_id else []
    there = [each for each in everywhere if (each.definition_id, each.name) == (definition_id, wanted.name)]
    if len(there) > 1:
        named = ", ".join(each.id for each in there)
        raise RegistrationError(f'There are several sources named "{wanted.name}": {named}. Name another by --name.')
    if not there:
        made = doing.do(
            f'Source "{wanted.name}": {{}}.',
            "made",
            lambda: airbyte.make_source(workspace, definition_id or "", wanted.name, wanted.config),
        )
        return made, True
    (source,) = there
    if not same_config(wanted.config, source.config) or wanted.new_key:
        _write_config(doing, source, "")
        return source, True
    doing.say(f'Source "{source.name}": unchanged, as far as Airbyte shows it: it hides the key.')
    return source, False


def _write_config(doing: Doing, source: Source, why: str) -> None:
    doing.do(
        f'Source "{source.name}": {{}} by {doing.wanted.config_path}{why}.',
        "updated",
        lambda: doing.airbyte.update_source(source, doing.wanted.config),
    )


def _look_through(doing: Doing, source: Source | None, *, written: bool) -> Found | None:
    """Check and discover; None in a dry run, as both start the image."""
    if source is None or doing.wanted.dry_run:
        doing.say("Check and discover: would be run.")
        return None
    refused = _refusal(doing.airbyte.check(source.id))
    if refused and not written:
        # The key in Airbyte may be another one than the file's, which a user has corrected meanwhile.
        _write_config(doing, source, ", as the check failed and Airbyte may have another key")
        refused = _refusal(doing.airbyte.check(source.id))
    if refused:
        text = f'The check of the source "{source.name}" failed. Airbyte says: {sentence(refused)}'
        raise RegistrationError(
            f"{text} Repair {doing.wanted.config_path} or the key's permissions and run this again."
        )
    doing.say("Check: succeeded.")
    answer = doing.airbyte.discover(source.id)
    catalog = answer.get("catalog")
    if not isinstance(catalog, dict):
        raise RegistrationError(f"Discovering the streams failed. Airbyte says: {sentence(_reason(answer))}")
    found = [FoundStream.of(each["stream"]) for each in catalog["streams"]]
    doing.say(f"Discover: {len(found)} streams.")
    return {each.name: each for each in found}


def _refusal(answer: Mapping[str, Any]) -> str:
    """Why a check failed; empty if it did not."""
    if answer.get("status") == "succeeded":
        return ""
    return str(answer.get("message") or "") or _reason(answer)


def _reason(answer: Mapping[str, Any]) -> str:
    """Why a job failed."""
    failure = (answer.get("jobInfo") or {}).get("failureReason") or {}
    return str(failure.get("externalMessage") or failure.get("internalMessage") or "nothing. Look at its log.")
