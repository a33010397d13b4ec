/** Starts the dashboard: theme, clock, stream, and the page that the address names. */

import { render } from "preact";
import type { JSX } from "preact";
import "./styles/main.css";
import { keyNeeded } from "./api/client";
import { AccountPage } from "./pages/account";
import { AccountsPage } from "./pages/accounts";
import { AlertsPage } from "./pages/alerts";
import { ApprovalsPage } from "./pages/approvals";
import { DecisionsPage } from "./pages/decisions";
import { LimitsPage } from "./pages/limits";
import { LinkPage } from "./pages/link";
import { LinksPage } from "./pages/links";
import { MismatchesPage } from "./pages/mismatches";
import { Overview } from "./pages/overview";
import { SignInPage } from "./pages/sign-in";
import { TracePage } from "./pages/trace";
import { start } from "./state/live";
import { href, route } from "./state/route";
import { loaded } from "./state/store";
import { startTheme } from "./state/theme";
import { startClock } from "./text/time";
import { AskDialog } from "./ui/ask";
import { Failed, Loading } from "./ui/parts";
import { Shell, Unnamed } from "./ui/shell";
import { Toasts } from "./ui/toasts";

function App(): JSX.Element {
  if (keyNeeded.value || route.value.page === "sign-in") return <SignInPage done={signedIn} />;
  return (
    <Shell>
      <Page />
      <AskDialog />
      <Toasts />
    </Shell>
  );
}

function Page(): JSX.Element {
  const { page, subject } = route.value;
  if (loaded.value === "no") return <Loading rows={8} />;
  if (loaded.value !== "yes") return <Failed why={loaded.value.failed} retry={start} />;
  switch (page) {
    case "":
      return <Overview />;
    case "accounts":
      return subject === null ? <AccountsPage /> : <AccountPage name={subject} />;
    case "links":
      return subject === null ? <LinksPage /> : <LinkPage id={subject} />;
    case "decisions":
      return subject === null ? <DecisionsPage /> : <TracePage id={subject} />;
    case "limits":
      return <LimitsPage />;
    case "mismatches":
      return <MismatchesPage />;
    case "approvals":
      return <ApprovalsPage />;
    case "alerts":
      return <AlertsPage />;
    default:
      return <Unnamed page={page} />;
  }
}

function signedIn(): void {
  loaded.value = "no";
  if (route.value.page === "sign-in") location.hash = href("").slice(1);
  start();
}

startTheme();
startClock();
start();
render(<App />, document.getElementById("app")!);
