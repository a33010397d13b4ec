// The two programs of MetaApi's pages on npm's socket.io-client 2; prints one JSON line per event.
// Usage: node metaapi_client.js PORT update|reconnect TRANSPORTS   (TRANSPORTS: websocket, or polling,websocket)
// Lines on stdin are further requests, as JSON.
const { randomUUID } = require("crypto");
const ioClient = require("socket.io-client-2");

const [port, page, transports] = process.argv.slice(2);
const tell = (event, data) => console.log(JSON.stringify({ event, data }));

const socket = ioClient(`http://127.0.0.1:${port}`, {
  path: "/ws",
  reconnection: false,
  transports: transports.split(","),
  query: {
    "auth-token": "token",
  },
});

const requests = {
  update: {
    accountId: "865d3a4d-3803-486d-bdf3-a85679d9fad2",
    type: "synchronize",
    requestId: "57bfbc9f-108d-4131-a300-5f7d9e69c11b",
    startingDealTime: "2019-01-13T10:29:26.000Z",
    startingHistoryOrderTime: "2019-01-13T10:29:26.000Z",
  },
  reconnect: {
    accountId: "865d3a4d-3803-486d-bdf3-a85679d9fad2",
    type: "reconnect",
    requestId: "9eb3a9fc-4cb4-4c1a-b7fb-1140a8ed29c9",
  },
};
const request = requests[page];

socket.on("connect", () => {
  tell("connect", socket.io.engine.transport.name);
  if (page === "update") {
    // The page leaves this out: without it nobody has asked for the account's packets.
    socket.emit("request", { accountId: request.accountId, type: "subscribe", requestId: "first" });
  }
  socket.emit("request", request);
});
socket.io.engine.on("upgrade", (transport) => tell("upgrade", transport.name));

socket.on("response", (response) => tell("response", response));

socket.on("synchronization", (data) => {
  tell("synchronization", data);
  if (page === "update" && data.type === "authenticated") {
    request.requestId = randomUUID();
    socket.emit("request", request);
  }
});

socket.on("processingError", (error) => tell("processingError", error));
socket.on("connect_error", (error) => tell("connect_error", String(error)));
socket.on("disconnect", (reason) => tell("disconnect", reason));

require("readline")
  .createInterface({ input: process.stdin })
  .on("line", (line) => socket.emit("request", JSON.parse(line)));
