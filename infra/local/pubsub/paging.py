"""Lists in pages."""

from collections.abc import Iterable

from infra.local.pubsub.rpc import invalid

MAX_PAGE = 1_000


def page(sorted_names: Iterable[str], size: int, token: str) -> tuple[list[str], str]:
    """One page of names after the one that the token names, and the token of the next page (empty after the last).

    Raises:
        RefusalError: the size is negative.
    """
    if size < 0:
        raise invalid(f"page_size: must not be negative, got {size}")
    size = min(size or MAX_PAGE, MAX_PAGE)
    rest = [name for name in sorted_names if name > token]
    return rest[:size], rest[size - 1] if len(rest) > size else ""
