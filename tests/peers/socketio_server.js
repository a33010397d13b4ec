// A Socket.IO server of npm on a free loopback port; prints the port.
// usage: node socketio_server.js socket.io|socket.io-2 [TRANSPORTS]
const http = require("http");
const library = require(process.argv[2]);
const Server = library.Server || library;
const web = http.createServer();
const transports = (process.argv[3] || "polling,websocket").split(",");
const io = new Server(web, { path: "/ws", pingInterval: 200, pingTimeout: 200, transports });

function serve(namespace, wantsToken) {
  namespace.use((socket, next) => {
    const given = socket.handshake.auth || socket.handshake.query;
    next(wantsToken && given.token !== "good" ? new Error("bad token") : undefined);
  });
  namespace.on("connection", (socket) => {
    const { headers, query } = socket.handshake;
    socket.emit("hello", { header: headers["developer-api-key"], query: query["auth-token"] });
    socket.on("subscriptions", (data, ack) => ack({ status: "ok", got: data }, 1.5));
    socket.on("ask", () => socket.emit("question", { q: 1 }, (answer) => socket.emit("answered", answer)));
    socket.on("stream", (count) => {
      for (let seq = 0; seq < count; seq++) socket.emit("position", { seq, lots: 0.1, id: "144115188076017329" });
    });
    socket.on("later", (ms) => setTimeout(() => socket.emit("here"), ms));
    socket.on("kick", () => socket.disconnect(true));
    socket.on("binary", () => socket.emit("bytes", Buffer.from([1, 2, 3])));
  });
}
serve(io.of("/"), false);
serve(io.of("/secure"), true);
web.listen(0, "127.0.0.1", () => console.log(web.address().port));
