/** What a person was told of: alerts as they came, and what operators set by hand. */

import type { JSX } from "preact";
import type { Alert } from "../api/types";
import { href } from "../state/route";
import { alerts, levers } from "../state/store";
import { Badge, Card, Empty } from "../ui/parts";
import { PageHead } from "../ui/page";
import { Safe, Time } from "../ui/text";

export function AlertsPage(): JSX.Element {
  return (
    <>
      <PageHead title="Alerts" />
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
      <Card title="Latest alerts">
        {alerts.value.length ? (
          <ul class="lines">
            {alerts.value.map((each) => (
              <AlertLine alert={each} key={`${each.at} ${each.kind} ${each.account} ${each.text}`} />
            ))}
          </ul>
        ) : (
          <Empty icon="alerts">No alert lately.</Empty>
        )}
      </Card>
    </>
  );
}

function AlertLine({ alert }: { alert: Alert }): JSX.Element {
  return (
    <li class="line">
      <div class="line-link">
        <strong>
          <Safe text={alert.account} />
        </strong>
        <span class="line-kind">{alert.over ? <Badge tone="ok">over</Badge> : <Badge tone="warning">alert</Badge>}</span>
        <span class="line-why">
          <Safe text={alert.text} max={400} />
        </span>
        <span class="line-where">
          <code class="code">{alert.kind}</code>
        </span>
        <span class="line-at dim small">
          <Time at={alert.at} />
        </span>
      </div>
    </li>
  );
}
