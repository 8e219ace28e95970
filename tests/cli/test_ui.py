"""Does ``plait ui`` answer at once, and only say where it is when it does?"""

from __future__ import annotations

import asyncio
import socket

from plait.cli.ui import _bind


def test_answers_are_sent_at_once_however_small_they_are():
    delays: list[int] = []

    class Look(asyncio.Protocol):
        def connection_made(self, transport):
            there = transport.get_extra_info("socket")
            delays.append(there.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
            transport.close()

    async def connect(bound: socket.socket) -> None:
        server = await asyncio.get_running_loop().create_server(Look, sock=bound)
        async with server:
            reader, writer = await asyncio.open_connection(*bound.getsockname()[:2])
            await reader.read()
            writer.close()

    asyncio.run(connect(_bind("127.0.0.1", 0)))
    assert delays
    assert all(delays)
