"""CPU work in a few threads: the event loop stays free for health checks."""

from __future__ import annotations

import asyncio
import json
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

    async def answer(self, question: Callable[[Served], Any]) -> Response:
        """The answer to a question, as JSON; both are computed in a thread.

        Raises
        ------
        NothingServedError
        """
        content = await self.run(lambda served: _json(question(served)))
        return Response(content, media_type="application/json")

    async def run(self, question: Callable[[Served], bytes]) -> bytes:
        """The same for an answer that is no JSON."""
        served = self.serving.current
        if served is None:
            raise NothingServedError
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._pool, question, served)

    def close(self) -> None:
        """Stop the threads."""
        self._pool.shutdown()


def _json(answer: Any) -> bytes:
    try:
        return msgspec.json.encode(answer)
    except UnicodeEncodeError:  # it repeats a lone surrogate, which JSON may ask with
        text = json.dumps(msgspec.to_builtins(answer), ensure_ascii=False)
        return text.encode("utf-8", "replace")
