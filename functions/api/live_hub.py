"""The changes of one instance, handed to everybody who watches: from the instance's feed, in batches, each by a bounded mailbox.

All of it runs on the event loop but the calls of the feed. The feed is open while somebody watches. Once in a while the log is
read again: it has what the bus did not bring.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache, partial
from typing import NamedTuple, Protocol

import msgspec

from core.errors import UnavailableError
from core.live.changes import Changed, Entry, Topic, earlier, entry_id
from core.live.log import KEEP, LATE, MOST, Log
from core.live.mailbox import Frame, Mailbox, ResyncReason
from core.live.pace import Pace
from functions.adapters.ports import Clock
from functions.api.work import Work

log = logging.getLogger(__name__)
BATCH_SECONDS = 0.1
PACE_SECONDS = 0.25
"""The minimum interval between two notifications of one topic: in a flood of changes, caches last as long."""
BEAT_SECONDS = 15.0
"""How often the feed is checked, and clients without changes receive a keep-alive."""
LINGER_SECONDS = 60.0
"""How long the feed stays open without anybody who watches."""
MOST_CLIENTS = 600
MOST_OF_ONE = 60
"""Clients of one person who is known: nobody takes all places."""
_PATIENCE = 10.0
_JUST_AFTER = 0.01
_encode = msgspec.json.encode
Take = Callable[[Iterable[Entry]], object]


class Feed(Protocol):
    """Where the changes come from; every method blocks."""

    def check(self) -> bool:
        """Whether nothing was missed since the last call; `UnavailableError` where the bus does not answer."""

    def read(self, after: str) -> list[Entry]:
        """The entries of the log after an id, at most `MOST`; `UnavailableError` where the store does not answer."""

    def close(self) -> None:
        """Stop."""


class Message(NamedTuple):
    """What is sent to a client.

    Attributes:
        event: `hello`, `changes`, `resync`, `state`, `beat` or `bye`.
        id: up to which the client has everything then; empty where that is not known.
        data: more about it, as JSON.
    """

    event: str
    id: str
    data: bytes


class FullError(Exception):
    """As many watch as an instance takes."""


@dataclass(slots=True, eq=False)
class Client:
    """Somebody who watches.

    Attributes:
        mailbox: what waits for it.
        until: when its session is over.
        person: whose it is; empty where nobody is known.
        told: whether it was last told that changes come.
        woken: set where it has something to do.
        gone: whether it is not connected any more.
        refused: whether what shows who it is no longer does.
    """

    mailbox: Mailbox
    until: datetime
    person: str = ""
    told: bool | None = None
    woken: asyncio.Event = field(default_factory=asyncio.Event)
    gone: bool = False
    refused: bool = False

    def leave(self) -> None:
        """It is not connected any more."""
        self.gone = True
        self.woken.set()

    def refuse(self) -> None:
        """What shows who it is was revoked."""
        self.refused = True
        self.woken.set()


class Hub:
    """Hands changes to clients.

    Args:
        feed: opens the feed, of the function that takes what arrives, in any thread; called in one, since it may block and fail.
        work: runs what blocks.
        clock: now.
        most: clients at a time.
        heard: hears the topics that changed before any client does, each at most once in `PACE_SECONDS`; it must not block.
    """

    def __init__(
        self,
        feed: Callable[[Take], Feed],
        work: Work,
        clock: Clock,
        *,
        most: int = MOST_CLIENTS,
        heard: Callable[[frozenset[str]], object] = lambda _: None,
    ) -> None:
        self._open = feed
        self._work = work
        self._clock = clock
        self._most = most
        self._heard = heard
        self._clients: set[Client] = set()
        self._feed: Feed | None = None
        self._log: Log | None = None
        self._reached = ""
        self._batch: list[Entry] = []
        self._pace = Pace(PACE_SECONDS)
        self._release: asyncio.TimerHandle | None = None
        self._keeping: asyncio.Task[None] | None = None
        self._tried = asyncio.Event()
        self.live = False
        self.stopping = False

    async def join(self, topics: frozenset[str], after: str, until: datetime, person: str = "") -> Client:
        """A new client, with what it missed after an id, if it gives one.

        Raises:
            FullError: there are too many, or too many of that person, or the instance is about to stop.
            ValueError: `after` is no id.
        """
        if self.stopping or len(self._clients) >= self._most:
            raise FullError
        if person and sum(one.person == person for one in self._clients) >= MOST_OF_ONE:
            raise FullError
        client = Client(Mailbox(topics, ""), until, person)
        self._clients.add(client)
        try:
            if self._keeping is None:
                self._keeping = asyncio.create_task(self._keep())
            await self._tried.wait()
            self._resume(client.mailbox, after)
            client.woken.set()  # what it missed does not wait for the next change
        except BaseException:
            self.leave(client)
            raise
        return client

    def leave(self, client: Client) -> None:
        """Forget a client."""
        self._clients.discard(client)

    def stop(self) -> None:
        """Tell everybody to come again."""
        self.stopping = True
        self._wake()
        if self._keeping:
            self._keeping.cancel()

    async def messages(self, client: Client) -> AsyncGenerator[Message, None]:
        """What a client is sent, until its connection has to end."""
        client.told = self.live
        yield Message("hello", client.mailbox.cursor, _encode({"live": self.live}))
        while not client.gone:
            beat = not await self._woken(client)
            if client.gone:
                return
            if self.stopping or client.refused or self._clock() >= client.until:
                reason = "restart" if self.stopping else "revoked" if client.refused else "session"
                yield Message("bye", client.mailbox.cursor, _encode({"reason": reason}))
                return
            if client.told != self.live:
                client.told = self.live
                yield Message("state", client.mailbox.cursor, _encode({"live": self.live}))
            if frame := client.mailbox.take():
                yield _message(frame)
            elif beat:
                yield Message("beat", client.mailbox.cursor, _encode({"live": self.live}))

    async def _woken(self, client: Client) -> bool:
        seconds = (client.until - self._clock()).total_seconds()
        try:
            async with asyncio.timeout(max(0.0, min(BEAT_SECONDS, seconds + _JUST_AFTER))):
                await client.woken.wait()
        except TimeoutError:
            return False
        client.woken.clear()
        return True

    def _resume(self, mailbox: Mailbox, after: str) -> None:
        """Put into a mailbox what came after an id; without one, what comes from now on."""
        missed = self._log.after(after) if after and self._log else None
        if missed is not None:
            mailbox.reached(after)
            mailbox.put(missed)
        elif after:
            earlier(after, LATE)  # refuses what is no id
            mailbox.resync(ResyncReason.TOO_OLD)
        mailbox.reached(self._reached)

    async def _keep(self) -> None:
        """Keep the feed while somebody watches."""
        loop = asyncio.get_running_loop()
        alone = 0.0
        try:
            while alone < LINGER_SECONDS and not self.stopping:
                await self._round(lambda entries: loop.call_soon_threadsafe(self._arrived, entries))
                self._tried.set()
                await asyncio.sleep(BEAT_SECONDS if self.live else BEAT_SECONDS / 3)
                alone = 0.0 if self._clients else alone + BEAT_SECONDS
        finally:
            feed, self._feed, self._keeping = self._feed, None, None
            self._log, self._reached, self.live = None, "", False
            self._tried.clear()
            if feed:
                loop.run_in_executor(None, feed.close)

    async def _round(self, take: Take) -> None:
        """Check the feed, which is opened where it is not, and take from the log what did not arrive."""
        now = entry_id(self._clock())
        try:
            if self._feed is None:
                self._feed = await self._work.run("live", partial(self._open, take), patience=_PATIENCE)
            feed = self._feed
            await self._work.run("live", feed.check, patience=_PATIENCE)
            oldest = earlier(now, KEEP - LATE)
            start = max(earlier(self._reached, LATE), oldest) if self._reached else oldest
            read = await self._work.run("live", partial(feed.read, start), patience=_PATIENCE)
        except UnavailableError as error:
            log.warning("live: %s", error)
            self._tell(live=False)
            return
        except Exception:
            log.exception("live: the feed failed")
            self._tell(live=False)
            return
        self._take(read, start, now)
        self._tell(live=True)

    def _take(self, read: list[Entry], start: str, now: str) -> None:
        if self._log is None or self._reached < start or len(read) >= MOST:
            self._log = Log(start if len(read) < MOST else now)
            self._log.add(read)
            self._resync()
        self._put(self._log.add(read))
        self._reached = now
        for client in self._clients:
            client.mailbox.reached(now)

    def _resync(self) -> None:
        """Have everybody who was connected without the changes read everything again."""
        self._heard(frozenset(Topic))
        for client in self._clients:
            if client.told is not None:
                client.mailbox.resync(ResyncReason.GAP)
                client.woken.set()

    def _tell(self, *, live: bool) -> None:
        if self.live != live:
            self.live = live
            self._wake()

    def _wake(self) -> None:
        for client in self._clients:
            client.woken.set()

    def _arrived(self, entries: Iterable[Entry]) -> None:
        """Gather entries for a moment."""
        if not self._batch:
            asyncio.get_running_loop().call_later(BATCH_SECONDS, self._flush)
        self._batch.extend(entries)

    def _flush(self) -> None:
        batch, self._batch = self._batch, []
        self._put(self._log.add(batch) if self._log else ())

    def _put(self, entries: Iterable[Entry]) -> None:
        """Hand out changes whose topics are due, and the others when they are."""
        loop = asyncio.get_running_loop()
        self._hand_out(self._pace.put(entries, loop.time()))
        if self._release:
            self._release.cancel()
        self._release = loop.call_at(self._pace.due, self._put, ()) if self._pace.due is not None else None

    def _hand_out(self, new: list[Entry]) -> None:
        if not new:
            return
        self._heard(frozenset(change.topic for entry in new for change in entry.changes))
        for client in self._clients:
            if client.mailbox.put(new):
                client.woken.set()


def _message(frame: Frame) -> Message:
    if frame.resync:
        return Message("resync", frame.id, _encode({"reason": frame.resync.value}))
    return Message("changes", frame.id, _listed(frame.changes))


@lru_cache(maxsize=64)
def _listed(changes: tuple[Changed, ...]) -> bytes:
    """Changes as JSON: most clients get the same ones."""
    return _encode({"changes": [change._asdict() for change in changes]})
