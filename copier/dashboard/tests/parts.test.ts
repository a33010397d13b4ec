/** The parts that need no browser: numbers, texts, the stream's grammar, live lists. `npm test` runs them in node. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { effect } from "@preact/signals";
import { EventReader } from "../src/api/sse";
import { Keyed } from "../src/state/keyed";
import type { Alert, Position } from "../src/api/types";
import {
  acknowledged,
  alerted,
  alerts,
  forgetPositions,
  OPEN_ALERTS_MAX,
  openAlerts,
  positionsRead,
  positionsReported,
} from "../src/state/store";
import { topic } from "../src/state/topics";
import { grouped, money, roundedTo } from "../src/text/numbers";
import { TEXT_MAX, visible, visibleText } from "../src/text/safe";

test("digits are grouped and nothing of them is lost", () => {
  assert.equal(grouped("1234567.890"), "1,234,567.890");
  assert.equal(grouped("-0.00000001"), "−0.00000001");
  assert.equal(grouped("123456789012345678901234567890"), "123,456,789,012,345,678,901,234,567,890");
  assert.equal(grouped("5 points (0.00005)"), "5 points (0.00005)");
});

test("money is rounded to the cent by its digits, not by a float", () => {
  assert.equal(money("0.005"), "0.01");
  assert.equal(money("1.005"), "1.01"); // a float makes 1.00 of it
  assert.equal(money("9007199254740993.999"), "9,007,199,254,740,994.00");
  assert.equal(money("-1587.895"), "−1,587.90");
  assert.equal(money("-0.001"), "0.00");
  assert.equal(money("12", true), "+12.00");
  assert.equal(money("0", true), "0.00");
  assert.equal(roundedTo("0.5", 0), "1");
  assert.equal(roundedTo("1e5", 2), null);
});

test("what turns text around or hides is shown as its number", () => {
  assert.equal(visibleText("XAU\u202eUSD\u0007"), "XAU[U+202E]USD[U+0007]");
  assert.equal(visibleText("a\u200bb\u2028c\ud800d\u00a0e\u3164"), "a[U+200B]b[U+2028]c[U+D800]d[U+00A0]e[U+3164]");
  assert.deepEqual(visible("<img src=x>"), [{ text: "<img src=x>", hidden: false }]);
});

test("text is bounded, whole characters at a time, and marks do not pile up", () => {
  assert.equal(visibleText("x".repeat(1000)), `${"x".repeat(TEXT_MAX)}…`);
  assert.equal(visibleText("😀😀😀", 2), "😀😀…");
  assert.equal(visibleText("e\u0301\u0301\u0301\u0301"), "e\u0301\u0301[U+0301][U+0301]");
});

test("events are the same however the network cuts them", () => {
  const text = 'id: 7\nevent: copy\ndata: {"a":\ndata: 1}\n\n: still here\n\nid: 8\r\ndata: x\r\n\r\n';
  const expected = [
    { name: "copy", data: '{"a":\n1}' },
    { name: "message", data: "x" },
  ];
  for (let size = 1; size <= text.length; size += 1) {
    const reader = new EventReader();
    const found = [];
    for (let at = 0; at < text.length; at += size) found.push(...reader.take(text.slice(at, at + size)));
    assert.deepEqual(found, expected, `cut each ${size}`);
    assert.equal(reader.lastId, "8");
  }
});

test("an event without end is given up", () => {
  const reader = new EventReader();
  assert.throws(() => {
    for (;;) reader.take("x".repeat(100_000));
  });
});

test("only the row that changed wakes who shows it", () => {
  const rows = new Keyed<{ name: string; price: string }>((row) => row.name);
  rows.replace([
    { name: "a", price: "1" },
    { name: "b", price: "1" },
  ]);
  const woken: string[] = [];
  for (const name of rows.keys) effect(() => void woken.push(`${name} ${rows.cell(name)?.value.price}`));
  effect(() => void woken.push(`order ${rows.keys.join()}`));
  woken.length = 0;
  rows.put({ name: "b", price: "2" });
  rows.replace([
    { name: "a", price: "1" },
    { name: "b", price: "2" },
  ]);
  assert.deepEqual(woken, ["b 2"]);
  rows.drop("a");
  assert.ok(woken.includes("order b"));
  assert.deepEqual(rows.all, [{ name: "b", price: "2" }]);
});

test("positions are read again when a report knows others than those that are shown", () => {
  const [one, two] = ["1", "2"].map((position) => ({ position }) as Position);
  const asked = topic("positions small");
  const reads = (does: () => void) => {
    const before = asked.value;
    does();
    return asked.value - before;
  };
  const reported = (...items: Position[]) => positionsReported({ account: "small", items });
  assert.equal(reads(() => reported()), 1, "nothing has been read yet");
  assert.equal(reads(() => positionsRead("small", [], performance.now() + 1)), 0);
  assert.equal(reads(() => reported()), 0);
  // Between two reports a position comes, a page reads it, and it goes again.
  positionsRead("small", [one!], performance.now() + 1);
  assert.equal(reads(() => reported()), 1);
  // The report overtakes the answer to a question from before it.
  const before = performance.now();
  positionsRead("small", [], before);
  reported();
  assert.equal(reads(() => positionsRead("small", [two!], before)), 1);
  assert.equal(reads(() => reported(two!)), 0);
  forgetPositions("small");
});

test("an alert is open until somebody has acknowledged it, and stays in the list with who it was", () => {
  const at = "2026-11-21T15:00:00Z";
  const alert = (seq: number, over = false): Alert => ({
    ...{ seq, at, kind: "orphan", account: "small", text: "position 7 is nobody's", over },
    acknowledged: null,
  });
  [alert(1), alert(2), alert(3, true)].forEach(alerted);
  assert.deepEqual(openAlerts.value.map((each) => each.seq), [2, 1]); // what is over needs nobody
  acknowledged({ seq: 1, at, account: "small", by: "desk", note: "closed it" });
  acknowledged({ seq: 99, at, account: "small", by: "desk", note: "" });
  assert.deepEqual(openAlerts.value.map((each) => each.seq), [2]);
  assert.deepEqual(alerts.value.map((each) => each.acknowledged), [null, null, { at, by: "desk", note: "closed it" }]);
  for (let seq = 10; seq < 10 + 2 * OPEN_ALERTS_MAX; seq += 1) alerted(alert(seq));
  assert.equal(openAlerts.value.length, OPEN_ALERTS_MAX);
});
