/** Server-sent events out of text as it comes, by the rules of the HTML standard. */

export interface StreamEvent {
  readonly name: string;
  readonly data: string;
}

/** More than this without an end of event is no event of ours: the connection is given up. */
const EVENT_MAX = 4_000_000;

export class EventReader {
  /** The id to resume after. */
  lastId = "";
  private rest = "";
  private name = "";
  private data: string[] = [];

  /** Take more text; return the events that it completes. */
  take(text: string): StreamEvent[] {
    this.rest += text;
    if (this.rest.length > EVENT_MAX) throw new Error("an event is too long");
    const found: StreamEvent[] = [];
    const lines = this.rest.split(/\r\n|\n|\r(?!$)/);
    this.rest = lines.pop() ?? "";
    for (const line of lines) {
      const event = this.line(line);
      if (event) found.push(event);
    }
    return found;
  }

  private line(line: string): StreamEvent | null {
    if (line === "") {
      const event = this.data.length ? { name: this.name || "message", data: this.data.join("\n") } : null;
      this.name = "";
      this.data = [];
      return event;
    }
    const colon = line.indexOf(":");
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "event") this.name = value;
    else if (field === "data") this.data.push(value);
    else if (field === "id" && !value.includes("\0")) this.lastId = value;
    return null;
  }
}
