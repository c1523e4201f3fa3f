"""Routes: a list, and what becomes of its rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from airbyte_cdk.utils.traced_exception import AirbyteTracedException

from source_stripe.api.listing import Listing
from source_stripe.objects.children import Children
from source_stripe.objects.hydration import Hydrator
from source_stripe.objects.left_out import LeftOut
from source_stripe.objects.records import Projection, Several


@dataclass(frozen=True)
class Route:
    """A list, and what the stream makes of its rows. `hydrator` reads its objects again when they have changed."""

    listing: Listing
    projection: Projection
    hydrator: Hydrator | None = None
    expand: tuple[str, ...] = ()
    """Dotted paths in the rows that have to be expanded."""
    is_full: Callable[[], bool] | None = None
    """Whether no more rows can be taken: what is left of the list is not read then."""

    def expanded(self) -> Route:
        """The route with its expansions in what it asks for."""
        listing = self.listing.expanding(self.expand)
        hydrator = self.hydrator and self.hydrator.expanding(listing, self.expand)
        return replace(self, listing=listing, hydrator=hydrator, expand=())


def failures_of(route: Route) -> Mapping[str, AirbyteTracedException]:
    """Where a route serves several streams, those of them that failed."""
    return route.projection.failures if isinstance(route.projection, Several) else {}


def left_out_of(routes: Iterable[Route]) -> list[LeftOut]:
    """The parents about which Stripe refuses to answer. Filled while the routes are read."""
    children = (route.projection for route in routes if isinstance(route.projection, Children))
    return [each.left_out for each in children if each.left_out is not None]
