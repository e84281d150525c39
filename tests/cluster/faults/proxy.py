"""A TCP proxy before the API server, whose connections can be cut and refused."""

import asyncio
import threading
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from tests.installation import free_ports


class Proxy:
    """Use it in a with statement. A thread passes bytes on as they are, so that TLS holds from end to end."""

    def __init__(self, url: str) -> None:
        self._target = urlsplit(url)
        (self._port,) = free_ports(1)
        self._open: set[asyncio.StreamWriter] = set()
        self._closed = False
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self._port}"

    def __enter__(self) -> Self:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def cut(self) -> int:
        """Drop every connection that there is. Returns how many ends of them there were."""
        return asyncio.run_coroutine_threadsafe(self._cut(), self._loop).result()

    def close(self) -> None:
        """Cut, and let nobody through until it is opened."""
        self._closed = True
        self.cut()

    def open(self) -> None:
        self._closed = False

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._pass_on, "127.0.0.1", self._port)

    async def _end(self) -> None:
        self._server.close()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _cut(self) -> int:
        for writer in self._open:
            writer.transport.abort()
        return len(self._open)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            if not self._closed:
                theirs, ours = await asyncio.open_connection(self._target.hostname, self._target.port)
                self._open.add(ours)
                await asyncio.gather(self._copy(reader, ours), self._copy(theirs, writer))
                self._open.discard(ours)
        except OSError:
            return
        finally:
            writer.transport.abort()
            self._open.discard(writer)

    async def _copy(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        try:
            while data := await source.read(1 << 16):
                target.write(data)
                await target.drain()
        finally:
            target.close()
