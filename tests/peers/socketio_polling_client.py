"""python-socketio's client against our server half; prints what it saw as one JSON object and ends.

usage: python socketio_polling_client.py PORT TRANSPORTS
"""

import json
import sys
from queue import SimpleQueue
from typing import Any

import socketio

_PATIENCE_S = 30.0


def main(port: str, transports: str) -> dict[str, Any]:
    library: Any = socketio  # which has no annotations
    client = library.Client(reconnection=False)
    # A thread runs each handler, so the order is not the library's to keep.
    positions: SimpleQueue[int] = SimpleQueue()
    farewells: SimpleQueue[str] = SimpleQueue()
    client.on("position", lambda data: positions.put(data["seq"]))
    client.on("farewell", farewells.put)
    url = f"http://127.0.0.1:{port}?auth-token=t%201"
    client.connect(url, socketio_path="ws", transports=transports.split(","), wait_timeout=_PATIENCE_S)
    transport = client.transport()
    answer = client.call("echo", {"text": "é𝄞😀", "lots": 0.1}, timeout=_PATIENCE_S)
    client.call("stream", 50, timeout=_PATIENCE_S)
    client.emit("bye")
    client.wait()  # for the server to put it out
    seqs = sorted(positions.get(timeout=_PATIENCE_S) for _ in range(50))
    return {
        "answer": answer,
        "transport": transport,
        "positions": f"{len(seqs)} {'in order' if seqs == list(range(50)) else 'in disorder'}",
        "farewell": farewells.get(timeout=_PATIENCE_S),
    }


print(json.dumps(main(*sys.argv[1:])))
