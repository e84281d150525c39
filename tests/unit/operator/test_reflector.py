"""A reflector keeps the cache true whatever becomes of its watches."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest
from msgspec import Raw
from msgspec.json import encode

from lepton.backends.kubernetes.cache import Cache
from lepton.backends.kubernetes.client import ApiError
from lepton.backends.kubernetes.kinds import LEPTON_MODEL, Kind
from lepton.plan.types import Key
from operators.lepton_operator import reflector
from operators.lepton_operator.reflector import Reflector

Event = tuple[str, Raw]
RESET = ApiError(0, "Disconnected", "reset")


def model(name: str, version: int) -> Raw:
    return Raw(encode({"metadata": {"name": name, "namespace": "zoo", "uid": name, "resourceVersion": str(version)}}))


class FakeClient:
    """Gives these lists and watches, one after the other; when they are used up it ends the test."""

    def __init__(self, lists: list[list[Raw] | ApiError], watches: list[list[Event | ApiError] | ApiError]) -> None:
        self._lists, self._watches = iter(lists), iter(watches)
        self.asked: list[str] = []
        self.as_it_watches: Callable[[], None] = lambda: None

    async def pages(self, kind: Kind, namespace: str | None, selector: str) -> AsyncIterator[tuple[list[Raw], str]]:
        self.asked.append("list")
        listed = next(self._lists)
        if isinstance(listed, ApiError):
            raise listed
        for page in [[one] for one in listed] or [[]]:
            yield page, "100"

    async def watch(self, kind: Kind, namespace: str | None, version: str, selector: str) -> AsyncIterator[Event]:
        self.asked.append(f"watch from {version}")
        watched = next(self._watches, None)
        self.as_it_watches()
        self.as_it_watches = lambda: None
        if watched is None:
            raise asyncio.CancelledError
        if isinstance(watched, ApiError):
            raise watched
        for event in watched:
            if isinstance(event, ApiError):
                raise event
            yield event


def reflect(client: FakeClient, lost: bool = False) -> tuple[Cache, list[str]]:
    """Run until the client ends it; the cache then, and which models were told to have changed.

    Where it is `lost`, a write finds the kind missing during the first watch.
    """
    changed: list[str] = []
    cache = Cache(lambda key: changed.append(key.name))
    if lost:
        client.as_it_watches = lambda: cache.lose(LEPTON_MODEL)

    async def run() -> None:
        task = asyncio.create_task(Reflector(client, cache, LEPTON_MODEL, None, "").run())  # type: ignore[arg-type]  # a fake
        await asyncio.wait([task], timeout=5)
        assert task.cancelled()

    asyncio.run(run())
    return cache, changed


def known(cache: Cache) -> list[str]:
    return [name for name in ("birds", "fish", "pets") if cache.model(Key("zoo", name)) is not None]


def test_a_watch_that_ends_goes_on_where_it_stood_bookmarks_counted() -> None:
    client = FakeClient([[model("pets", 1)]], [[("MODIFIED", model("pets", 101)), ("BOOKMARK", model("", 120))], []])
    cache, changed = reflect(client)
    assert client.asked == ["list", "watch from 100", "watch from 120", "watch from 120"]
    assert (changed, known(cache)) == (["pets", "pets"], ["pets"])


def test_a_version_that_is_too_old_is_listed_anew_and_only_what_changed_is_told() -> None:
    gone = ApiError(410, "Expired", "too old resource version")
    lists: list[list[Raw] | ApiError] = [
        [model("pets", 1), model("birds", 2)],
        [model("pets", 1), model("fish", 3)],
    ]
    client = FakeClient(lists, [gone])
    cache, changed = reflect(client)
    assert client.asked == ["list", "watch from 100", "list", "watch from 100"]
    assert (sorted(changed[:2]), sorted(changed[2:])) == (["birds", "pets"], ["birds", "fish"])
    assert known(cache) == ["fish", "pets"]


def test_a_connection_that_breaks_is_tried_again_without_a_list_and_goes_on_where_it_stood() -> None:
    client = FakeClient([[model("pets", 1)]], [RESET, [("DELETED", model("pets", 101)), RESET]])
    cache, changed = reflect(client)
    assert client.asked == ["list", "watch from 100", "watch from 100", "watch from 101"]
    assert (changed, known(cache)) == (["pets", "pets"], [])


@pytest.mark.parametrize(
    ("watches", "failures"),
    [
        ([[RESET], [RESET], [("BOOKMARK", model("", 120)), RESET]], [1, 2, 1]),
        ([[("BOOKMARK", model("", version)), RESET] for version in (101, 102, 103)], [1, 1, 1]),
        ([[RESET], [], [RESET]], [1, 1]),
    ],
    ids=["it failed twice before", "each of them worked for a while", "one came to its end"],
)
def test_who_was_connected_is_so_again_soon(
    watches: list[list[Event | ApiError] | ApiError], failures: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []

    def at_once(failed: int, first_s: float, longest_s: float) -> float:
        seen.append(failed)
        return 0.0

    monkeypatch.setattr(reflector, "pause_s", at_once)
    reflect(FakeClient([[]], watches))
    assert seen == failures


def test_a_kind_that_is_not_installed_is_known_to_be_absent_and_what_there_was_of_it_is_gone() -> None:
    absent = ApiError(404, "", "404 page not found")
    gone = ApiError(410, "Expired", "too old resource version")
    cache, changed = reflect(FakeClient([[model("pets", 1)], absent, []], [gone]))
    assert (changed, known(cache), cache.serves(LEPTON_MODEL)) == (["pets", "pets"], [], True)


def test_a_kind_that_a_write_found_missing_is_listed_again_though_its_watch_goes_on() -> None:
    pets = model("pets", 1)
    client = FakeClient([[pets], [pets]], [[]])
    cache, _ = reflect(client, lost=True)
    assert client.asked == ["list", "watch from 100", "list", "watch from 100"]
    assert (known(cache), cache.serves(LEPTON_MODEL)) == (["pets"], True)


def test_until_it_is_listed_a_kind_counts_as_not_installed() -> None:
    cache = Cache()
    assert not cache.serves(LEPTON_MODEL)
    cache.retain(LEPTON_MODEL, set(), 1)
    assert cache.serves(LEPTON_MODEL)
    cache.lose(LEPTON_MODEL)
    assert not cache.serves(LEPTON_MODEL)
