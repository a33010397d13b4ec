/** What a person was told of: alerts that nobody has acknowledged, all as they came, and what operators set by hand. */

import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type { Alert } from "../api/types";
import { href } from "../state/route";
import { alerts, levers, OPEN_ALERTS_MAX, openAlerts } from "../state/store";
import { AcknowledgeLever, NoLevers } from "../ui/levers";
import { Badge, Card, Empty } from "../ui/parts";
import { keepPlace, PageHead } from "../ui/page";
import { Safe, Time } from "../ui/text";

export function AlertsPage(): JSX.Element {
  const open = openAlerts.value;
  const others = alerts.value.filter((each) => each.over || each.acknowledged !== null);
  const shown = useRef(open.length);
  useEffect(() => {
    if (open.length < shown.current) keepPlace(); // the button that was pressed may have gone with its line
    shown.current = open.length;
  }, [open.length]);
  return (
    <>
      <PageHead title="Alerts" />
      <NoLevers />
      <Card
        title={
          <>
            Open {open.length > 0 && <Badge tone="warning">{open.length}</Badge>}
          </>
        }
        more={open.length > 1 && <AcknowledgeLever alerts={open} label="Acknowledge all" />}
        class="open-alerts"
      >
        {open.length ? (
          <ul class="lines">
            {open.map((each) => (
              <AlertLine alert={each} key={each.seq}>
                <AcknowledgeLever alerts={[each]} label="Acknowledge" />
              </AlertLine>
            ))}
          </ul>
        ) : (
          <Empty>Every alert is acknowledged.</Empty>
        )}
        {open.length === OPEN_ALERTS_MAX && <p class="stale">Only the latest {open.length} are shown.</p>}
      </Card>
      <Card title="Set by hand">
        {levers.keys.length ? (
          <ul class="rows plain">
            {levers.all.map((each) => (
              <li class="row" key={`${each.kind} ${each.subject}`}>
                <a href={href(each.kind === "link" ? "links" : "accounts", each.subject)}>
                  <Safe text={each.subject} />
                </a>
                <Badge tone="warning">{each.state.replaceAll("_", "-")}</Badge>
                <span class="dim">
                  by <Safe text={each.by} />: <Safe text={each.why} max={240} />
                </span>
              </li>
            ))}
          </ul>
        ) : (
          <Empty>No lever is pulled: everything acts as the config says.</Empty>
        )}
      </Card>
      <Card title="Seen or over">
        {others.length ? (
          <ul class="lines">
            {others.map((each) => (
              <AlertLine alert={each} key={each.seq} />
            ))}
          </ul>
        ) : (
          <Empty icon="alerts">None lately.</Empty>
        )}
      </Card>
    </>
  );
}

function AlertLine({ alert, children }: { alert: Alert; children?: JSX.Element }): JSX.Element {
  const seen = alert.acknowledged;
  return (
    <li class="line">
      <div class={`line-link ${children ? "with-lever" : ""}`}>
        <strong>
          <Safe text={alert.account || "service"} />
        </strong>
        <span class="line-kind">
          {alert.over ? (
            <Badge tone="ok">over</Badge>
          ) : seen ? (
            <Badge tone="quiet">seen</Badge>
          ) : (
            <Badge tone="warning">alert</Badge>
          )}
        </span>
        <span class="line-why">
          <Safe text={alert.text} max={400} />
          {seen && (
            <span class="seen-by dim small">
              Acknowledged by <Safe text={seen.by} max={80} />, <Time at={seen.at} />
              {seen.note && (
                <>
                  : <Safe text={seen.note} max={500} />
                </>
              )}
            </span>
          )}
        </span>
        <span class="line-where">
          <code class="code">{alert.kind}</code>
        </span>
        <span class="line-at dim small">
          <Time at={alert.at} />
        </span>
        {children}
      </div>
    </li>
  );
}
