"""What live events are measured beside: `websockets.broadcast` to rooms, and nothing else."""

from __future__ import annotations

import json
import sys
from collections import defaultdict

import uvloop
from websockets.asyncio.server import ServerConnection, broadcast, serve


async def main(port: int) -> None:
    """Serve for ever. Who connects to /publish says what all others of a room get."""
    rooms: defaultdict[str, set[ServerConnection]] = defaultdict(set)

    async def talk(connection: ServerConnection) -> None:
        assert connection.request is not None
        if connection.request.path == "/publish":
            async for told in connection:
                for room, text in json.loads(told):
                    broadcast(rooms[room], text)
            return
        async for told in connection:
            rooms[json.loads(told)["topic"]].add(connection)
            await connection.send(json.dumps({"type": "subscribed"}))

    async with serve(talk, "127.0.0.1", port, compression=None, max_size=None, ping_interval=None) as server:
        await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1])))
