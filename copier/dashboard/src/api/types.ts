// Made by `python -m tools.dashboard_types` from the API's classes; a test compares. Do not edit.

export interface Account {
  readonly name: string;
  readonly venue: string;
  readonly broker: string | null;
  /** What links use it for; empty: it is only watched. */
  readonly roles: readonly ("source" | "target")[];
  /** How its venue keeps positions. */
  readonly oms: "hedging" | "netting";
  /** `starting`: not seen whole yet; `lost`: out of sight; `refused`: the venue refuses the sign-in. */
  readonly state: "lost" | "ready" | "refused" | "starting";
  readonly state_since: string | null;
  /** What was lost, or how it was refused. */
  readonly state_why: string | null;
  /** Its venue pushes changes; else its books are asked. */
  readonly streams: boolean;
  /** Its queue of orders is full. */
  readonly lagging: boolean;
  /** When its books were asked, the last time that they were read. */
  readonly books_at: string | null;
  /** Of all amounts of the account; null until the venue told. */
  readonly currency: string | null;
  readonly balance: string | null;
  readonly equity: string | null;
  /** Equity less balance. */
  readonly floating: string | null;
  readonly margin_used: string | null;
  readonly margin_free: string | null;
  /** Equity over used margin, in percent, to two digits. */
  readonly margin_level: string | null;
  /** The highest equity that was sampled, by the minute. */
  readonly high_water_mark: string | null;
  /** High-water mark less equity, >= 0. A withdrawal counts as well. */
  readonly drawdown: string | null;
  /** Of the high-water mark, to two digits. */
  readonly drawdown_percent: string | null;
  /** Open positions, whoever opened them. */
  readonly positions: number;
  /** Pending orders. */
  readonly orders: number;
  /** Copies that hold something here. */
  readonly copies: number;
  /** Lots that they hold or will hold. */
  readonly copied_volume: string;
  /** From an order's sending to the venue's answer; null: none yet. */
  readonly latency: Latency | null;
  readonly nearest_limit: NearestLimit | null;
  /** Why the account takes no new risk by its limits now; null: it does. */
  readonly denied: Denial | null;
  /** What an operator set. */
  readonly lever: "active" | "flat" | "halted";
  readonly lever_by: string | null;
  readonly lever_why: string | null;
}

export interface AccountCounts {
  readonly total: number;
  readonly ready: number;
  readonly lost: number;
}

export interface Acknowledge {
  /** Each by its `seq`. */
  readonly alerts: readonly number[];
  /** What else there is to say; it is kept in the ledger. */
  readonly note?: string;
}

export interface Acknowledged {
  /** The alert's. */
  readonly seq: number;
  /** An instant in UTC (RFC 3339). */
  readonly at: string;
  readonly account: string;
  readonly by: string;
  readonly note: string;
}

export interface Acknowledgement {
  /** An instant in UTC (RFC 3339). */
  readonly at: string;
  /** Who: the name of an API key, or of a user of the machine. */
  readonly by: string;
  readonly note: string;
}

export interface Alert {
  /** Its place in the ledger, by which it is acknowledged. */
  readonly seq: number;
  /** An instant in UTC (RFC 3339). */
  readonly at: string;
  /** As in the table of alerts: `mismatch`, `session.lost`. */
  readonly kind: string;
  readonly account: string;
  readonly text: string;
  /** It is no longer so: there is nothing to acknowledge. */
  readonly over: boolean;
  /** Who has seen it first; null: nobody. */
  readonly acknowledged: Acknowledgement | null;
}

export interface AlertCount {
  readonly kind: string;
  readonly meaning: string;
  readonly count: number;
}

export interface AnswerTimes {
  readonly count: number;
  /** An exact decimal number, as text. */
  readonly p50_ms: string;
  /** An exact decimal number, as text. */
  readonly p90_ms: string;
  /** An exact decimal number, as text. */
  readonly worst_ms: string;
}

export interface Booking {
  readonly account: string;
  /** The venue's id; the same whenever it is asked for. */
  readonly id: string;
  /** An instant in UTC (RFC 3339). */
  readonly at: string;
  /** `fill`, or what money came or went for: `deposit`, `withdrawal`, the venue's word. */
  readonly kind: string;
  readonly symbol: string | null;
  /** The execution's own: what closes a long position sells. */
  readonly side: "buy" | "sell" | null;
  /** Whether it opened or added; null where one did both, or nobody tells. */
  readonly opens: boolean | null;
  readonly volume: string | null;
  readonly price: string | null;
  readonly position: string | null;
  /** Profit or loss, in the account's currency, as the venue signs it. */
  readonly realized: string | null;
  readonly commission: string | null;
  readonly swap: string | null;
  /** Money that came (> 0) or went; null for executions. */
  readonly amount: string | null;
  readonly comment: string | null;
}

export interface Command {
  /** Why you do it; it is kept in the ledger. */
  readonly reason: string;
}

export interface Concern {
  readonly severity: "critical" | "info" | "warning";
  /** session, limit, mismatch, outcome_unknown, lagging, lever, approval */
  readonly kind: string;
  readonly account: string | null;
  readonly link: string | null;
  readonly says: string;
}

export interface ConfirmedCommand {
  /** Why you do it; it is kept in the ledger. */
  readonly reason: string;
  /** The subject again: the account, position or limit. */
  readonly confirm: string;
}

export interface Copy {
  readonly link: string;
  readonly source: string;
  readonly source_position: string;
  /** The source's pending order that it mirrors; null: a position's copy. */
  readonly source_order: string | null;
  /** The source's name of the instrument. */
  readonly symbol: string;
  readonly side: "buy" | "sell";
  /** How it stands, in a few words. */
  readonly state: string;
  readonly target: string;
  /** Lots that it will hold when what is under way has been done. */
  readonly volume: string;
  /** The target's ids of what it holds. */
  readonly positions: readonly string[];
  readonly orders_under_way: readonly string[];
  readonly status: "active" | "ended" | "waiting";
  readonly ending: "denied" | "flattened" | "handed_over" | "rejected" | "source_closed" | "target_closed" | null;
  /** The code of the denial that keeps it waiting or ended it. */
  readonly reason: string | null;
  readonly reason_meaning: string | null;
  readonly target_symbol: string | null;
  /** The most lots that the gates have allowed so far. */
  readonly granted: string;
  /** Why everything of it must be closed although the source is open. */
  readonly flatten: string | null;
  /** When the source opened it. */
  readonly opened_at: string;
  /** An instant in UTC (RFC 3339). */
  readonly first_seen_at: string;
  /** It was found, at start or after a gap, rather than seen to open. */
  readonly found: boolean;
  readonly wait_until: string | null;
  /** Its source closed; its own close waits until then, by its policy. */
  readonly close_at: string | null;
  readonly approved: boolean;
  readonly legs: readonly Leg[];
}

export interface CopyCounts {
  readonly holding: number;
  readonly waiting: number;
  /** Those among the waiting that wait for a person. */
  readonly approvals: number;
  readonly orders_under_way: number;
}

export interface Decision {
  /** Its place in the ledger; later decisions have higher ones. */
  readonly seq: number;
  /** An instant in UTC (RFC 3339). */
  readonly at: string;
  readonly link: string;
  readonly source: string;
  readonly target: string;
  readonly source_position: string;
  readonly symbol: string;
  readonly side: "buy" | "sell";
  /** `ordered`: orders follow; `denied`: no, for good; `waiting`: no, for now; `noted`: nothing to do. */
  readonly kind: "denied" | "noted" | "ordered" | "waiting";
  /** The denial code, where it was denied or waits. */
  readonly code: string | null;
  readonly meaning: string | null;
  /** What set it off. */
  readonly because: string;
  /** How the copy stands after it. */
  readonly state: string;
  /** Lots of the target that it will hold. */
  readonly volume: string;
  /** The ids of the orders that it led to. */
  readonly orders: readonly string[];
  readonly steps: readonly Step[];
  /** The prices and figures that it met. */
  readonly known: string | null;
}

export interface Denial {
  readonly code: string;
  readonly meaning: string;
  readonly numbers: Readonly<Record<string, string>>;
}

export interface DenialCount {
  readonly code: string;
  readonly meaning: string;
  readonly count: number;
}

export interface Done {
  readonly says: string;
}

export interface EquityCurve {
  readonly account: string;
  /** Of all amounts of the account; null until the venue told. */
  readonly currency: string | null;
  /** Seconds between two points, where figures came all the time. */
  readonly every_s: number;
  readonly points: readonly EquityPoint[];
}

export interface EquityFigures {
  readonly account: string;
  /** Of all amounts of the account; null until the venue told. */
  readonly currency: string | null;
  /** An exact decimal number, as text. */
  readonly first: string;
  /** An exact decimal number, as text. */
  readonly last: string;
  /** `last` less `first`; what came or went counts as well. */
  readonly change: string;
  /** An exact decimal number, as text. */
  readonly highest: string;
  /** An exact decimal number, as text. */
  readonly lowest: string;
  /** The most that it fell from a height within the time, >= 0. */
  readonly drawdown: string;
  /** The largest fall in percent of the height that it fell from. */
  readonly drawdown_percent: string | null;
  /** When that height was; null: it never fell. */
  readonly fell_from: string | null;
  readonly fell_to: string | null;
  /** Deposits less withdrawals that the venue's history told; null: none were. */
  readonly flows: string | null;
}

export interface EquityPoint {
  /** An instant in UTC (RFC 3339). */
  readonly at: string;
  readonly balance: string | null;
  readonly equity: string | null;
}

export interface FieldFault {
  readonly where: "body" | "header" | "path" | "query";
  /** The parameter, header or key; `.` where the body as a whole is meant. */
  readonly field: string;
  readonly expected: string;
  readonly found: string;
}

export interface Latency {
  readonly count: number;
  readonly p50_ms: number;
  readonly p99_ms: number;
}

export interface Leg {
  readonly number: number;
  /** The id that we gave it. */
  readonly order: string;
  readonly stage: "closed" | "gone" | "open" | "opening" | "rejected" | "working";
  readonly symbol: string;
  readonly side: "buy" | "sell";
  /** The target's id of its position. */
  readonly position: string | null;
  /** Lots that were asked for at opening. */
  readonly asked: string;
  /** Lots that it holds now. */
  readonly held: string;
  readonly open_price: string | null;
  /** What we last asked for; likewise the take-profit. */
  readonly stop_loss: string | null;
  readonly take_profit: string | null;
  /** The id of its order without an answer; null: none. */
  readonly under_way: string | null;
  readonly under_way_for: "cancel" | "close" | "open" | "place" | "reduce" | "replace" | "stops" | null;
  /** The answer was lost; the venue's books will tell. */
  readonly outcome_unknown: boolean;
  /** When what was refused or could not be sent is tried again. */
  readonly retry_at: string | null;
}

export interface Lever {
  readonly kind: "account" | "link";
  /** The link or the account. */
  readonly subject: string;
  /** `active`: it was lifted, in events only. */
  readonly state: "active" | "close_only" | "flat" | "halted" | "paused";
  /** Who: the name of an API key, or of a user of the machine. */
  readonly by: string;
  readonly why: string;
}

export interface Limit {
  /** Its id, stable from one run to the next: `prop/max_loss`. */
  readonly limit: string;
  readonly account: string;
  readonly kind: string;
  /** ok, warn, block, unknown, halt, flatten, breached; null where the rule has no stages. */
  readonly stage: string | null;
  /** It is the account's loss limit with the least headroom in money. */
  readonly rules: boolean;
  /** Which figure is compared: equity, balance, day_net_pnl. */
  readonly metric: string | null;
  readonly value: string | null;
  /** Reached, the limit is breached; of a profit target its level. */
  readonly floor: string | null;
  /** The floor rests on an estimate, on the strict side. */
  readonly estimated: boolean;
  readonly headroom: string | null;
  /** Of the limit's whole amount. */
  readonly headroom_percent: string | null;
  readonly currency: string | null;
  /** The stages still ahead, the nearest first. */
  readonly next: readonly NextStage[];
  /** What a breach does. */
  readonly on_breach: string | null;
  readonly resets_at: string | null;
  readonly resets_in_s: number | null;
  /** When the last complete figures came. */
  readonly figures_of: string | null;
  readonly equity_if_stops_hit: string | null;
  /** <= 0: the limit would be breached. */
  readonly headroom_if_stops_hit: string | null;
  /** Positions without a stop-loss, for which the worst is not known. */
  readonly without_stop: number | null;
  readonly of_unknown_worth: number | null;
  readonly notes: readonly string[];
  /** How it stands, in words; empty for loss limits. */
  readonly says: string;
}

export interface Link {
  /** Its id, `source->target` unless the config names it otherwise. */
  readonly link: string;
  readonly source: string;
  readonly target: string;
  readonly policy: string;
  /** What it may do, all things considered. */
  readonly state: "active" | "close_only" | "paused";
  /** What the config says. */
  readonly configured: "active" | "close_only" | "paused";
  /** What an operator set: close_only or paused; null: nothing. */
  readonly lever: string | null;
  readonly lever_by: string | null;
  readonly lever_why: string | null;
  /** A mismatch whose policy says so lets it only close. */
  readonly held_back: boolean;
  /** Its schedule takes new risk now; true without a schedule. */
  readonly open_now: boolean;
  /** When that answer ends; null: never, or nobody knows. */
  readonly open_until: string | null;
  readonly closed_why: string | null;
  readonly schedule: string | null;
  /** Copies that hold something. */
  readonly copies: number;
  /** Copies that wait for a reason to clear. */
  readonly waiting: number;
  /** Lots that its copies hold or will hold. */
  readonly volume: string;
  readonly mismatches: number;
}

export interface LinkCounts {
  readonly total: number;
  readonly active: number;
  readonly paused: number;
  readonly close_only: number;
}

export interface LowestHeadroom {
  readonly limit: string;
  readonly account: string;
  readonly kind: string | null;
  /** The worst that it was at; `unknown`: it never was at any other. */
  readonly stage: string;
  /** Of a profit target what was missing to it. Null: not known; `missing` says why. */
  readonly headroom: string | null;
  /** Of the limit's whole amount. */
  readonly headroom_percent: string | null;
  readonly floor: string | null;
  /** The figure that the limit counts. */
  readonly value: string | null;
  readonly currency: string | null;
  readonly at: string | null;
}

export interface Mismatch {
  readonly link: string;
  readonly target: string;
  /** The target's name of the instrument. */
  readonly symbol: string;
  readonly kind: "missing" | "pending" | "side" | "stops" | "unexpected" | "volume";
  readonly severity: "critical" | "info" | "warning";
  /** An exact decimal number, as text. */
  readonly desired: string;
  /** An exact decimal number, as text. */
  readonly observed: string;
  /** How many lots are concerned, >= 0. */
  readonly lots: string;
  readonly source_positions: readonly string[];
  /** What is known of the reason; may be empty. */
  readonly why: string;
  readonly says: string;
}

export interface MismatchEnded {
  readonly link: string;
  readonly target: string;
  readonly symbol: string;
  readonly kind: string;
}

export interface MoneyFigures {
  readonly currency: string;
  /** `booked`: as the venue booked it, costs included; `prices`: by the prices, before costs. */
  readonly basis: "booked" | "prices";
  readonly trades: number;
  /** What was won less what was lost. */
  readonly net: string;
  /** The sum of all that won. */
  readonly won: string;
  /** The sum of all that lost, <= 0. */
  readonly lost: string;
  /** Won over lost, to two digits; null: nothing was lost. */
  readonly profit_factor: string | null;
  /** Of a trade, on the mean. */
  readonly expectancy: string;
  readonly average_win: string | null;
  /** <= 0. */
  readonly average_loss: string | null;
  /** An exact decimal number, as text. */
  readonly best: string;
  /** An exact decimal number, as text. */
  readonly worst: string;
  /** Commission and swap as booked, within `net`; null: not known. */
  readonly costs: string | null;
}

export interface NearestLimit {
  readonly limit: string;
  readonly kind: string;
  readonly stage: string;
  /** An exact decimal number, as text. */
  readonly headroom: string;
  /** Of the limit's whole amount. */
  readonly headroom_percent: string | null;
  /** Of all amounts of the account; null until the venue told. */
  readonly currency: string | null;
}

export interface NextStage {
  readonly stage: string;
  /** An exact decimal number, as text. */
  readonly at: string;
  /** An exact decimal number, as text. */
  readonly away: string;
}

export interface Order {
  readonly account: string;
  /** The venue's id. */
  readonly order: string;
  readonly symbol: string;
  readonly side: "buy" | "sell";
  readonly type: "limit" | "stop" | "stop_limit";
  /** Lots still to fill. */
  readonly volume: string;
  /** An exact decimal number, as text. */
  readonly price: string;
  readonly limit_price: string | null;
  readonly stop_loss: string | null;
  readonly take_profit: string | null;
  readonly placed_at: string | null;
  readonly expires_at: string | null;
  readonly magic: string | null;
  readonly comment: string | null;
}

export interface PastMismatch {
  readonly link: string;
  readonly target: string;
  readonly symbol: string;
  readonly kind: string;
  /** The worst that it was. */
  readonly severity: string;
  /** Null: before what was read. */
  readonly began: string | null;
  /** Null: it lasts. */
  readonly ended: string | null;
  /** Within the time. */
  readonly lasted_s: number;
  readonly says: string;
}

export interface Performance {
  /** Whose; null: the link's, or everybody's. */
  readonly account: string | null;
  readonly link: string | null;
  readonly since: string | null;
  /** Exclusive. */
  readonly until: string | null;
  readonly trades: TradeCounts;
  /** A row for each currency. */
  readonly money: readonly MoneyFigures[];
  readonly symbols: readonly SymbolFigures[];
  readonly slippage: Slippage | null;
  readonly answers: AnswerTimes | null;
  /** The most frequent first. */
  readonly denials: readonly DenialCount[];
  readonly alerts: readonly AlertCount[];
  readonly mismatches: readonly PastMismatch[];
  /** Of the accounts that it is about. */
  readonly equity: readonly EquityFigures[];
  /** The nearest first, profit targets last. */
  readonly limits: readonly LowestHeadroom[];
  /** What is not known, and why. */
  readonly missing: readonly string[];
}

export interface Position {
  readonly account: string;
  /** The venue's id. */
  readonly position: string;
  readonly symbol: string;
  readonly side: "buy" | "sell";
  /** Lots. */
  readonly volume: string;
  /** An exact decimal number, as text. */
  readonly open_price: string;
  /** An instant in UTC (RFC 3339). */
  readonly opened_at: string;
  readonly current_price: string | null;
  readonly stop_loss: string | null;
  readonly take_profit: string | null;
  readonly magic: string | null;
  readonly comment: string | null;
  /** The link whose copy holds it; null: nobody copied it here. */
  readonly link: string | null;
  /** What it is a copy of. */
  readonly source_position: string | null;
}

export interface Positions {
  readonly account: string;
  readonly items: readonly Position[];
}

export interface Problem {
  /** Stable; tells programs which problem it is: `/problems/not-found`; `about:blank`: the status says all. */
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail?: string;
  /** What was wrong with which field. */
  readonly errors?: readonly FieldFault[];
}

export interface Reset {
  readonly why: string;
}

export interface Session {
  readonly account: string;
  readonly state: "lost" | "ready" | "refused" | "starting";
  readonly since: string | null;
  readonly why: string | null;
}

export interface SideBySide {
  readonly source: Position | null;
  /** Null: nothing has been decided about it yet. */
  readonly copy: Copy | null;
  /** What the copy holds at the target, as its books show it. */
  readonly target: readonly Position[];
}

export interface Signal {
  readonly action: "buy" | "close" | "close_all" | "modify" | "open" | "sell";
  /** Unique; taken once. Not needed beside a signature. */
  readonly id?: string | number | null;
  /** When it was made: RFC 3339, or seconds since 1970. */
  readonly time?: string | number | null;
  /** The account's secret, where the signal is not signed. */
  readonly secret?: string | null;
  /** Of an opening, the signal's own id by default. */
  readonly position?: string | number | null;
  readonly symbol?: string | null;
  /** buy, sell, long or short. */
  readonly side?: string | null;
  /** Lots, > 0. */
  readonly volume?: number | string | null;
  readonly price?: number | string | null;
  /** 0 and null: none. */
  readonly stop_loss?: number | string | null;
  /** 0 and null: none. */
  readonly take_profit?: number | string | null;
  /** Units per lot, where sizes are to reckon with it. */
  readonly contract_size?: number | string | null;
  readonly comment?: string | null;
  /** A number or a word that filters can match. */
  readonly magic?: string | number | null;
}

export interface SignalTaken {
  readonly says: string;
  /** It was taken before, and did nothing now. */
  readonly repeated: boolean;
}

export interface Slippage {
  readonly count: number;
  /** Openings of which a price or the tick size is not known. */
  readonly unknown: number;
  /** An exact decimal number, as text. */
  readonly mean: string;
  /** An exact decimal number, as text. */
  readonly median: string;
  /** Nine of ten were no worse. */
  readonly p90: string;
  /** An exact decimal number, as text. */
  readonly best: string;
  /** An exact decimal number, as text. */
  readonly worst: string;
  readonly bars: readonly SlippageBar[];
}

export interface SlippageBar {
  /** An exact decimal number, as text. */
  readonly low: string;
  /** An exact decimal number, as text. */
  readonly high: string;
  readonly count: number;
}

export interface Status {
  /** The worst severity of `concerns`; info is ok. */
  readonly status: "critical" | "ok" | "warning";
  /** The worst first, fifty at most. */
  readonly concerns: readonly Concern[];
  readonly version: string;
  /** `dry_run`: everything but orders. */
  readonly mode: "dry_run" | "live";
  /** An instant in UTC (RFC 3339). */
  readonly started_at: string;
  /** An instant in UTC (RFC 3339). */
  readonly now: string;
  readonly uptime_s: number;
  /** The last entry of the ledger. */
  readonly ledger_seq: number;
  readonly accounts: AccountCounts;
  readonly links: LinkCounts;
  readonly copies: CopyCounts;
  readonly mismatches: number;
  /** Limits by their stage. */
  readonly limits: Readonly<Record<string, number>>;
  /** By stage of a copied trade. */
  readonly latency: Readonly<Record<string, Latency>>;
}

export interface Step {
  readonly rule: string;
  /** In a few words; of a denial its meaning. */
  readonly outcome: string;
  /** The denial code; null: the rule let it pass, or changed it. */
  readonly code: string | null;
  readonly numbers: Readonly<Record<string, string>>;
  readonly says: string;
}

export interface Story {
  /** What was asked for: the id of a source position, a target position or an order. */
  readonly id: string;
  readonly headline: string;
  /** What became of it on each link. */
  readonly outcomes: readonly string[];
  readonly lines: readonly StoryLine[];
}

export interface StoryLine {
  /** An instant in UTC (RFC 3339). */
  readonly at: string;
  readonly seq: number;
  readonly who: string;
  readonly what: string;
  readonly steps: readonly string[];
}

export interface SymbolFigures {
  /** The target. */
  readonly account: string;
  readonly symbol: string;
  /** Lots that were opened. */
  readonly opened: string;
  /** Trades that were over. */
  readonly trades: number;
  /** Their lots. */
  readonly closed: string;
  /** What they made; null: none was over, or not all of it is known. */
  readonly net: string | null;
  readonly currency: string | null;
}

export interface TradeCounts {
  /** Copies that began within the time. */
  readonly opened: number;
  /** Trades that were over within the time; those below are among them. */
  readonly over: number;
  readonly won: number;
  readonly lost: number;
  readonly even: number;
  /** Nobody told a price of them. */
  readonly unknown: number;
  /** Of those that won, lost or were even, in percent; null: none were. */
  readonly win_rate: string | null;
  /** How long they were held on the mean; null: not known of any. */
  readonly holding_s: number | null;
}

export interface Visitor {
  /** The key's name; `local` where no key was ever made. */
  readonly name: string;
  /** What it may do. */
  readonly scopes: readonly ("operate" | "read")[];
  /** The accounts that it sees; null: all. */
  readonly accounts: readonly string[] | null;
  /** By a cookie, which `DELETE` gives back. */
  readonly signed_in: boolean;
}
