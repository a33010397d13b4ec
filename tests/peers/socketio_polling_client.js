// npm's socket.io-client against our server half; prints what it saw as one JSON object and ends.
// usage: node socketio_polling_client.js PORT socket.io-client|socket.io-client-2 TRANSPORTS [SECONDS TO STAY]
const [port, name, transports, stay] = process.argv.slice(2);
const library = require(name);
const socket = (library.io || library)(`http://127.0.0.1:${port}`, {
  path: "/ws", transports: transports.split(","), reconnection: false, timeout: 10000, query: { "auth-token": "t 1" },
});
const seen = { positions: [], errors: [] };
function end(reason) {
  seen.end = reason;
  console.log(JSON.stringify(seen));
  process.exit(0);
}
function inOrder() {
  return seen.positions.every((seq, index) => seq === index);
}
function talk() {
  seen.transport = socket.io.engine.transport.name;
  socket.emit("stream", 50, () => {
    seen.positions = `${seen.positions.length} ${inOrder() ? "in order" : "in disorder"}`;
    setTimeout(() => socket.emit("bye"), Number(stay || 0) * 1000);
  });
}
socket.io.on("open", () => (seen.first = socket.io.engine.transport.name));
socket.on("connect", () => {
  socket.emit("echo", { text: "\u00e9\u{1d11e}\u{1f600}", lots: 0.1 }, (answer) => {
    seen.answer = answer;
    for (let n = 0; n < 40; n++) socket.emit("count", n);
    socket.emit("counted", (total) => {
      seen.counted = total;
      const { engine } = socket.io;
      if (transports === "polling" || engine.transport.name === "websocket") talk();
      else engine.once("upgrade", talk);
    });
  });
});
socket.on("position", (data) => seen.positions.push(data.seq));
socket.on("farewell", (data) => (seen.farewell = data));
socket.on("connect_error", (error) => end(`refused: ${error.message}`));
socket.on("error", (error) => seen.errors.push(String(error)));
socket.on("disconnect", (reason) => end(reason));
setTimeout(() => end("the test's time is over"), 15000).unref();
