"""CPU work in a few threads: the event loop stays free for health checks."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msgspec
from fastapi import Response

from segue.service.serving import Served, Serving


class NothingServedError(Exception):
    """No bundle is loaded yet."""


class Work:
    """Answers questions with the bundle served when they arrive.

    Parameters
    ----------
    serving
    threads
        How many questions are processed at a time.
    """

    def __init__(self, serving: Serving, threads: int) -> None:
        self.serving = serving
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="segue")
        self._asked = self._answered = 0
        self._lock = threading.Lock()  # several threads count what is answered
        self._one_more = threading.Event()

    def wait(self, seconds: float) -> None:
        """Keep the event loop from going on while questions are being answered.

        Parameters
        ----------
        seconds
            At most; the next answer ends it, too.
        """
        self._one_more.clear()
        if self._asked > self._answered:
            self._one_more.wait(seconds)

    async def answer(self, question: Callable[[Served], Any]) -> Response:
        """The answer to a question, as JSON; both are computed in a thread.

        Raises
        ------
        NothingServedError
        """
        content = await self.run(lambda served: _json(question(served)))
        return Response(content, media_type="application/json")

    async def run(self, question: Callable[[Served], bytes]) -> bytes:
        """The same for an answer that is not JSON."""
        served = self.serving.current
        if served is None:
            raise NothingServedError
        answer = self._pool.submit(question, served)
        self._asked += 1
        answer.add_done_callback(self._count)
        return await asyncio.wrap_future(answer)

    def _count(self, _: object) -> None:
        with self._lock:
            self._answered += 1
        self._one_more.set()

    def close(self) -> None:
        """Stop the threads."""
        self._pool.shutdown()


def _json(answer: Any) -> bytes:
    try:
        return msgspec.json.encode(answer)
    except UnicodeEncodeError:  # it repeats a lone surrogate, which JSON may ask with
        text = json.dumps(msgspec.to_builtins(answer), ensure_ascii=False)
        return text.encode("utf-8", "replace")
