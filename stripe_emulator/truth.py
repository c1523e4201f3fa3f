"""What of an account a sync can know: all that lists show, with the parameters that show the most."""

from stripe_emulator import events, kinship
from stripe_emulator.store import Resource, Store

# Their lists hide what is on a test clock unless that clock is named.
_HIDDEN_ON_TEST_CLOCKS = {"customer", "quote", "subscription", "subscription_schedule"}


def can_be_known(resource: Resource, store: Store, now: int) -> bool:
    """Whether an object, not deleted, can be found without knowing of it, at Unix time `now`."""
    if resource.kind in events.KINDS:
        return resource.at >= now - events.RETENTION
    if resource.kind in _HIDDEN_ON_TEST_CLOCKS and resource.fields["test_clock"] is not None:
        return False
    return all(not parent.deleted and can_be_known(parent, store, now) for parent in kinship.above(resource, store))
