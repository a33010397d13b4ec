"""A plain client on `websockets` of the Clear Street activity channel; prints each frame as a JSON line, then its end.

Usage: python clearstreet_client.py URL [TOKEN ACCOUNT_ID]   (without the two it never subscribes)
"""

import json
import sys

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

url, subscription = sys.argv[1], sys.argv[2:]
with connect(url) as socket:
    if subscription:
        token, account_id = subscription
        payload = {"type": "subscribe-activity", "account_id": account_id}
        socket.send(json.dumps({"authorization": token, "payload": payload}))
    try:
        while True:
            print(json.dumps(json.loads(socket.recv())), flush=True)
    except ConnectionClosed as closed:
        print(json.dumps({"closed": None if closed.rcvd is None else closed.rcvd.code}), flush=True)
