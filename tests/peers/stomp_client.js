// The Socket API page's Node program on @stomp/stompjs, told by its arguments what to do; prints one JSON line per event.
// Usage: node stomp_client.js URL API_KEY MESSAGES [BEAT_MS]   (disconnects with a receipt after so many messages)
const { Client } = require("@stomp/stompjs");
const WebSocket = require("ws");

const [url, apiKey, messages, beatMs] = process.argv.slice(2);
const tell = (event) => console.log(JSON.stringify(event));
let seen = 0;

const client = new Client({
  brokerURL: url,
  connectHeaders: { "api-key": apiKey },
  reconnectDelay: 0,
  ...(beatMs && { heartbeatIncoming: Number(beatMs), heartbeatOutgoing: Number(beatMs) }),
  webSocketFactory: () => new WebSocket(url),
});

client.onConnect = (frame) => {
  tell({ event: "connected", version: frame.headers.version, heartBeat: frame.headers["heart-beat"] });
  client.subscribe("/user/queue/accounts/changes", (message) => {
    const body = JSON.parse(message.body);
    tell({ event: "message", type: body.type, data: body.data, contentType: message.headers["content-type"] });
    seen += 1;
    if (seen === Number(messages)) {
      client.deactivate().then(() => tell({ event: "deactivated" }));
    }
  });
  client.publish({ destination: "/app/subscribe", body: JSON.stringify({ accountIds: [] }) });
};
client.onDisconnect = () => tell({ event: "receipt" }); // called only when the DISCONNECT's receipt has come
client.onStompError = (frame) => tell({ event: "error", message: frame.headers.message, body: frame.body });
client.onWebSocketClose = (close) => {
  tell({ event: "closed", code: close.code });
  client.deactivate();
};
client.activate();
