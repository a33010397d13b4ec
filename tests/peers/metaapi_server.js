// A scripted MetaApi on npm's socket.io 2: opens, authenticates, synchronizes in packets, and tells changes. It prints
// its port and then every handshake and request as a JSON line. A "close" on stdin closes the position at the venue.
const http = require("http");
const Server = require("socket.io-2");

const accountId = "865d3a4d-3803-486d-bdf3-a85679d9fad2";
const tell = (data) => console.log(JSON.stringify(data));
const web = http.createServer();
const io = new Server(web, { path: "/ws", pingInterval: 200, pingTimeout: 1000 });
const host = "ps-mpa-0";
const position = {
  id: "46214692", type: "POSITION_TYPE_BUY", symbol: "GBPUSD", magic: 1000, time: "2020-04-15T02:45:06.521Z",
  brokerTime: "2020-04-15 02:45:06.521", updateTime: "2020-04-15T02:45:06.521Z", openPrice: 1.26101,
  currentPrice: 1.24883, currentTickValue: 1, volume: 0.07, swap: 0, profit: -85.25, commission: -0.25,
  clientId: "TE_GBPUSD_7hyINWqAlE", stopLoss: 1.17721, unrealizedProfit: -85.25, realizedProfit: 0, somethingNew: [1],
};
const accountInformation = {
  broker: "True ECN Trading Ltd", currency: "USD", server: "ICMarketsSC-Demo", balance: 7319.9, equity: 7306.649913,
  margin: 184.1, freeMargin: 7120.22, leverage: 100, marginLevel: 3967.58283542, platform: "mt5",
  marginMode: "ACCOUNT_MARGIN_MODE_RETAIL_HEDGING",
};
const venue = new (require("events"))();
const positions = new Map([[position.id, position]]);
let opened = 0;

io.on("connection", (socket) => {
  const { query, headers } = socket.handshake;
  const known = query["auth-token"] === "token";
  tell({ query, clientId: headers["client-id"] });
  let number = 0;
  let stamp = Date.now();
  let live = false;
  const send = (type, fields) =>
    socket.emit("synchronization", { type, accountId, instanceIndex: 0, host, ...fields });
  const sendInOrder = (type, fields) => {
    stamp += 1 + Math.floor(Math.random() * 10);
    send(type, { sequenceNumber: number++, sequenceTimestamp: stamp, ...fields });
  };

  function synchronize(synchronizationId) {
    number = 0;
    const packets = [
      ["synchronizationStarted", { specificationsUpdated: true, positionsUpdated: true, ordersUpdated: true }],
      ["accountInformation", { accountInformation }],
      ["specifications", { specifications: [], removedSymbols: [] }],
      ["positions", { positions: [...positions.values()] }],
      ["orders", { orders: [] }],
      ["historyOrders", { historyOrders: [] }],
      ["orderSynchronizationFinished", {}],
      ["deals", { deals: [] }],
      ["dealSynchronizationFinished", {}],
    ];
    for (const [type, fields] of packets) sendInOrder(type, { synchronizationId, ...fields });
    live = true;
    send("status", { connected: true, authenticated: true, healthStatus: { rpcApiHealthy: true } });
    sendInOrder("prices", { prices: [], equity: 7300.5, margin: 184.1, freeMargin: 7116.4 });
  }

  function trade(asked) {
    if (asked.actionType !== "ORDER_TYPE_BUY") {
      return { numericCode: 10013, stringCode: "TRADE_RETCODE_INVALID", message: "Invalid request" };
    }
    opened += 1;
    const id = String(99000000000000000n + BigInt(opened)); // beyond what a double holds
    const { symbol, volume, clientId } = asked;
    positions.set(id, { ...position, id, symbol, volume, clientId, openPrice: 1.16008, stopLoss: undefined });
    venue.emit("opened", positions.get(id));
    return { numericCode: 10009, stringCode: "TRADE_RETCODE_DONE", message: "ok", orderId: id, positionId: id };
  }

  const answers = {
    getPositions: () => ({ positions: [...positions.values()] }),
    getAccountInformation: () => ({ accountInformation }),
    getOrders: () => ({ orders: [] }),
    getDealsByPosition: () => ({ deals: [], synchronizing: false }),
    getSymbols: () => ({ symbols: ["EURUSD", "GBPUSD"] }),
    trade: (request) => ({ response: trade(request.trade) }),
    subscribe: () => ({}),
    synchronize: () => ({}),
  };
  socket.on("request", (request) => {
    tell({ request });
    const { type, requestId } = request;
    const about = { requestId, accountId: request.accountId };
    if (!known || !answers[type]) {
      const error = known ? "ValidationError" : "UnauthorizedError";
      socket.emit("processingError", { id: 1, error, message: "refused", ...about });
      return;
    }
    const response = { type: "response", ...about, ...answers[type](request) };
    socket.emit("response", JSON.stringify(response)); // clients take text, too
    if (type === "subscribe") send("authenticated", { replicas: 1, sessionId: request.sessionId });
    if (type === "synchronize") synchronize(requestId);
  });

  const close = () => {
    positions.delete(position.id);
    // As the update page shows it: called a status, with neither number nor host.
    if (live) socket.emit("synchronization", { type: "status", removedPositionIds: [position.id], accountId });
  };
  venue.on("close", close);
  const open = (held) => live && sendInOrder("update", { updatedPositions: [held] });
  venue.on("opened", open);
  socket.on("disconnect", () => venue.off("close", close).off("opened", open));
});

require("readline")
  .createInterface({ input: process.stdin })
  .on("line", (line) => venue.emit(line));
web.listen(0, "127.0.0.1", () => console.log(web.address().port));
