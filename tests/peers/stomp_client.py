"""The Socket API page's Python program on stomper and websocket-client; prints one JSON line per event.

Usage: python stomp_client.py URL API_KEY MESSAGES [BEAT_MS]   (closes after so many messages)
"""

import json
import sys
import threading
import time

import stomper
import websocket

url, api_key, messages = sys.argv[1], sys.argv[2], int(sys.argv[3])
beat_ms = sys.argv[4] if len(sys.argv) > 4 else "10000"
seen = 0


def tell(**event: object) -> None:
    print(json.dumps(event), flush=True)


def on_message(ws: websocket.WebSocketApp, message: str) -> None:
    global seen
    frame = stomper.unpack_frame(message)
    command = frame.get("cmd", "")
    if command == "CONNECTED":
        tell(event="connected", version=frame["headers"]["version"])
    elif command == "MESSAGE":
        data = json.loads(frame.get("body", ""))
        tell(event="message", type=data.get("type"), data=data.get("data"))
        seen += 1
        if seen == messages:
            ws.close()
    elif command == "ERROR":
        tell(event="error", message=frame["headers"].get("message"), body=frame.get("body"))
    else:
        tell(event="unhandled", command=command)


def on_open(ws: websocket.WebSocketApp) -> None:
    def run() -> None:
        connect = stomper.Frame()
        connect.cmd = "CONNECT"
        beats = f"{beat_ms},{beat_ms}"
        connect.headers = {"api-key": api_key, "accept-version": "1.2", "heart-beat": beats, "host": "/"}
        ws.send(connect.pack())
        time.sleep(1)  # as the page has it: it does not wait for CONNECTED
        try:
            ws.send(stomper.subscribe("/user/queue/accounts/changes", "sub-0"))
            request = json.dumps({"accountIds": []})
            ws.send(stomper.send("/app/subscribe", request, content_type="application/json"))
        except websocket.WebSocketConnectionClosedException:
            tell(event="refused")

    threading.Thread(target=run, daemon=True).start()


app = websocket.WebSocketApp(
    url,
    on_open=on_open,
    on_message=on_message,
    on_error=lambda _, error: tell(event="failed", text=str(error)),
    on_close=lambda _, code, text: tell(event="closed", code=code),
)
app.run_forever(ping_interval=30, ping_timeout=10)
