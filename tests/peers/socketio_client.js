// npm's socket.io-client against our server half; prints what it saw as one JSON object and ends.
// usage: node socketio_client.js PORT NAMESPACE TOKEN
const { io } = require("socket.io-client");
const [port, namespace, token] = process.argv.slice(2);
const socket = io(`http://127.0.0.1:${port}${namespace}`, {
  path: "/streams-api/socket.io", transports: ["websocket"], auth: { token }, reconnection: false, timeout: 10000,
});
const seen = { events: [] };
function end(reason) {
  seen.end = reason;
  console.log(JSON.stringify(seen));
  process.exit(0);
}
socket.on("connect", () => {
  seen.connected = true;
  socket.emit("subscriptions", { action: "SUBSCRIBE", lots: 0.1 }, (answer) => {
    seen.answer = answer;
    socket.emit("ready");
  });
});
socket.on("connect_error", (error) => end(`refused: ${error.message}`));
socket.on("question", (number, ack) => ack(number + 1));
socket.onAny((name, ...rest) => name === "question" || seen.events.push([name, ...rest]));
socket.on("disconnect", (reason) => end(reason));
setTimeout(() => end("the test's time is over"), 20000).unref();
