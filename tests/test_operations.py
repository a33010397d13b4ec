"""The files to run it by: each metric exists, each rule leads to its runbook, each file is read by what it is for.

What needs a program that is not on this machine says that it was skipped; the checks beside it need none.
"""

import json
import re
import shutil
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from copier.web.metrics.table import METRICS
from rules.alerts.kinds import AlertKind
from tests.test_docs import _anchors as anchors

ROOT = Path(__file__).parents[1]
FILES = ROOT / "examples" / "operations"
RULES = FILES / "prometheus" / "copier.rules.yml"
DASHBOARD = FILES / "grafana" / "copier.json"
UNITS = FILES / "systemd"

SHOWN = {
    f"{metric.name}{suffix}"
    for metric in METRICS
    for suffix in (("_bucket", "_sum", "_count") if metric.kind == "histogram" else ("",))
}
LABELS = {metric.name: set(metric.labels) for metric in METRICS}
"""What is asked of a series beside its own labels comes from the scrape."""
FROM_THE_SCRAPE = {"instance", "job", "le"}


def rules() -> list[dict[str, Any]]:
    document = yaml.safe_load(RULES.read_text(encoding="utf-8"))
    assert set(document) == {"groups"}
    return [rule for group in document["groups"] for rule in group["rules"]]


def panels() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]
    return found


def expressions() -> Iterator[tuple[str, str]]:
    """Yield every expression with the name of what it stands in."""
    yield from ((rule["alert"], rule["expr"]) for rule in rules())
    yield from ((panel["title"], each["expr"]) for panel in panels() for each in panel["targets"])


@pytest.mark.parametrize(("where", "expression"), list(expressions()))
def test_every_series_that_is_asked_for_is_shown_with_the_labels_that_are_asked(where: str, expression: str) -> None:
    series = re.findall(r"\b((?:copier|process)_[a-z_]+)(\{[^}]*\})?", expression)
    assert series or expression.startswith("up{"), where
    for name, selector in series:
        assert name in SHOWN, f"{where}: {name}"
        own = LABELS[re.sub(r"_(bucket|sum|count)$", "", name) if name not in LABELS else name]
        asked = set(re.findall(r'(\w+)(?:=~|!~|!=|=)"', selector))
        assert asked <= own | FROM_THE_SCRAPE, f"{where}: {name} has no {asked - own}"
        counted = any(metric.name == name and metric.kind == "counter" for metric in METRICS) or name.endswith(
            "_bucket"
        )
        rated = re.search(rf"\b(rate|increase)\({name}(\{{[^}}]*\}})?\[", expression)
        assert bool(rated) == counted or name == "copier_ledger_rows", f"{where}: counters alone are rated"


def test_every_rule_says_how_bad_it_is_and_leads_to_its_part_of_the_runbook() -> None:
    names = [rule["alert"] for rule in rules()]
    assert len(names) == len(set(names)) > 20
    for rule in rules():
        assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}
        assert rule["labels"]["severity"] in ("info", "warning", "critical"), rule["alert"]
        assert rule["annotations"]["summary"]
        page, _, anchor = rule["annotations"]["runbook"].partition("#")
        assert anchor in anchors(ROOT / page), rule["annotations"]["runbook"]


def test_a_rule_that_is_a_kind_of_alert_is_as_severe() -> None:
    kinds = {kind.value.replace(".", ""): kind for kind in AlertKind}
    worse = {"CopierRestarts", "CopierOrderUnknown", "CopierMismatch"}  # by number, by time, by what is asked for
    milder = {"CopierApprovalWaits", "CopierManyDenials"}  # the copier's own alert has told it already
    for rule in rules():
        kind = kinds.get(rule["annotations"]["runbook"].partition("runbook.md#")[2])
        if kind is not None and rule["alert"] not in worse | milder:
            assert rule["labels"]["severity"] == kind.severity.value, rule["alert"]


def test_what_a_summary_tells_of_is_there() -> None:
    for rule in rules():
        labels = set(re.findall(r"\$labels\.(\w+)", rule["annotations"]["summary"]))
        names = re.findall(r"\b(?:copier|process)_[a-z_]+", rule["expr"])
        known = {label for name in names for label in LABELS.get(name.removesuffix("_bucket"), ())}
        assert labels <= known, rule["alert"]


def test_panels_have_places_of_their_own_and_a_source_that_can_be_chosen() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in panels():
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        assert max(x for x, _ in cells) < 24
        taken |= cells
        assert panel["datasource"]["uid"] == "${datasource}"
    ids = [panel["id"] for panel in panels()]
    assert len(ids) == len(set(ids)) > 20


def test_everything_that_goes_wrong_can_be_seen_on_the_dashboard() -> None:
    """Each metric is on a panel or in a rule, but for what only says what runs."""
    text = " ".join(expression for _, expression in expressions())
    unseen = [metric.name for metric in METRICS if metric.name not in text]
    told_otherwise = ["copier_info", "copier_balance", "copier_positions", "copier_order_intents_total"]
    assert sorted(unseen) == sorted([*told_otherwise, "copier_web_connections_total"])


@pytest.mark.peer
def test_promtool_reads_rules_and_config() -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("no promtool here: names and labels were checked, the grammar of the expressions was not")
    checked = subprocess.run([promtool, "check", "rules", "--lint-fatal", RULES], capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    config = FILES / "prometheus" / "prometheus.yml"
    checked = subprocess.run(
        [promtool, "check", "config", "--syntax-only", config], capture_output=True, text=True, cwd=FILES
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


CASES = """
rule_files: [RULES]
evaluation_interval: 15s
tests:
  - interval: 15s
    input_series:
      - {series: 'up{job="copier"}', values: '1x8 0x12'}
      - {series: 'copier_limit_headroom_ratio{account="prop",limit="prop/max_loss",kind="max_loss"}',
         values: '1 0.5 0.2x40'}
      - {series: 'copier_limit_stage{account="prop",limit="prop/max_loss",kind="max_loss",stage="breached"}',
         values: '_x8 1x12'}
      - {series: 'copier_orphans_total{account="prop"}', values: '0x8 1x40'}
      - {series: 'copier_session_state{account="prop",state="lost"}', values: '0 1x40'}
      - {series: 'copier_ledger_disk_free_bytes', values: '5e8x60'}
    alert_rule_test:
      - {eval_time: 1m, alertname: CopierDown}
      - eval_time: 4m
        alertname: CopierDown
        exp_alerts: [{exp_labels: {severity: critical, job: copier}, exp_annotations: ANNOTATIONS_CopierDown}]
      - eval_time: 1m
        alertname: CopierLimitNear
        exp_alerts:
          - exp_labels: {severity: warning, account: prop, limit: prop/max_loss, kind: max_loss}
            exp_annotations: {summary: prop/max_loss has 20% left., runbook: docs/runbook.md#limitwarning}
      - {eval_time: 1m, alertname: CopierLimitBreach}
      - eval_time: 4m
        alertname: CopierLimitBreach
        exp_alerts:
          - exp_labels: {severity: critical, account: prop, limit: prop/max_loss, kind: max_loss, stage: breached}
            exp_annotations: {summary: prop/max_loss is at breached., runbook: docs/runbook.md#limitbreach}
      - {eval_time: 1m, alertname: CopierOrphan}
      - eval_time: 4m
        alertname: CopierOrphan
        exp_alerts:
          - exp_labels: {severity: critical, account: prop}
            exp_annotations:
              summary: prop holds a position with our tag that no copy owns.
              runbook: docs/runbook.md#orphan
      - {eval_time: 1m, alertname: CopierSessionLost}
      - eval_time: 4m
        alertname: CopierSessionLost
        exp_alerts:
          - exp_labels: {severity: warning, account: prop, state: lost}
            exp_annotations: {summary: prop is out of sight., runbook: docs/runbook.md#sessionlost}
      - eval_time: 14m
        alertname: CopierDiskFills
        exp_alerts:
          - exp_labels: {severity: warning}
            exp_annotations:
              summary: The ledger's disk has 476.8MiB left, or will have none within three days.
              runbook: docs/operations.md#the-disk-fills
"""


@pytest.mark.peer
def test_the_rules_fire_when_they_should_and_not_before(tmp_path: Path) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("no promtool here: nobody has seen the rules fire")
    [down] = [rule["annotations"] for rule in rules() if rule["alert"] == "CopierDown"]
    cases = tmp_path / "cases.yml"
    text = CASES.replace("RULES", json.dumps(str(RULES))).replace("ANNOTATIONS_CopierDown", json.dumps(down))
    cases.write_text(text, encoding="utf-8")
    checked = subprocess.run([promtool, "test", "rules", cases], capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_the_scrape_finds_the_rules_and_asks_at_the_usual_address() -> None:
    config = yaml.safe_load((FILES / "prometheus" / "prometheus.yml").read_text(encoding="utf-8"))
    assert all((FILES / "prometheus" / name).is_file() for name in config["rule_files"])
    [job] = config["scrape_configs"]
    assert (job["job_name"], job["static_configs"]) == ("copier", [{"targets": ["127.0.0.1:8377"]}])
    assert "metrics_path" not in job, "/metrics is what Prometheus asks for by itself"


def runnable(folder: Path, unit: Path) -> Path:
    """Copy a unit, with a program that is on this machine for ours and our own user."""
    text = unit.read_text(encoding="utf-8").replace("/opt/copier/bin/copier", "/bin/true")
    copy = folder / unit.name
    copy.write_text(text, encoding="utf-8")
    return copy


@pytest.mark.peer
@pytest.mark.slow  # starts a foreign program for each unit
def test_systemd_reads_the_units_and_finds_little_to_fear(tmp_path: Path) -> None:
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("no systemd-analyze here: nobody has read the units")
    units = [runnable(tmp_path, each) for each in sorted(UNITS.iterdir())]
    for unit in units:
        checked = subprocess.run([analyze, "verify", "--man=no", unit], capture_output=True, text=True)
        assert (checked.returncode, checked.stderr) == (0, ""), unit.name
    exposure = [analyze, "security", "--offline=yes", "--threshold=20", tmp_path / "copier.service"]
    checked = subprocess.run(exposure, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout[-200:]


def directives(unit: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in (UNITS / unit).read_text(encoding="utf-8").splitlines():
        if "=" in line and not line.startswith("#"):
            name, _, value = line.partition("=")
            found.setdefault(name, []).append(value)
    return found


def test_the_units_run_commands_that_exist_and_give_up_where_trying_again_is_no_use() -> None:
    service = directives("copier.service")
    assert service["ExecStart"] == ["/opt/copier/bin/copier run /etc/copier/copier.toml --quiet"]
    assert service["RestartPreventExitStatus"] == ["2 3"]
    assert service["User"] == ["copier"]
    assert "copier ledger backup " in directives("copier-backup.service")["ExecStart"][0]


def instructions(path: Path) -> list[tuple[str, str]]:
    """Return a Dockerfile's instructions as its reference has them: comments out, lines that go on joined."""
    text = re.sub(r"^\s*#.*\n", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    lines = text.replace("\\\n", " ").splitlines()
    return [(line.split()[0], line.split(maxsplit=1)[1]) for line in lines if line.strip()]


def test_the_image_is_built_of_what_is_here_by_the_locks_and_runs_as_nobody_special() -> None:
    found = instructions(FILES / "Dockerfile")
    known = {"FROM", "WORKDIR", "COPY", "RUN", "USER", "VOLUME", "STOPSIGNAL", "HEALTHCHECK", "ENTRYPOINT", "CMD"}
    assert {name for name, _ in found} == known
    for name, value in found:
        if name == "COPY" and not value.startswith("--from"):
            for source in value.split()[:-1]:
                assert (ROOT / source).exists(), source
        if name in ("ENTRYPOINT", "CMD", "VOLUME"):
            assert isinstance(json.loads(value), list), "the form that starts no shell, so that signals arrive"
    text = " ".join(value for _, value in found)
    assert "--require-hashes --requirement requirements.lock" in text
    assert "npm ci " in text
    assert json.loads(dict(found)["ENTRYPOINT"]) == ["copier"]
    order = [name for name, _ in found]
    assert order.index("USER") < order.index("ENTRYPOINT")
    assert "/healthz" in dict(found)["HEALTHCHECK"]


def test_the_builder_is_given_all_that_is_copied_and_nothing_else() -> None:
    lines = (FILES / "Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines()
    let_in = {line[1:] for line in lines if line.startswith("!")}
    copied = {
        source.split("/")[0]
        for name, value in instructions(FILES / "Dockerfile")
        if name == "COPY" and not value.startswith("--from")
        for source in value.split()[:-1]
    }
    assert "*" in lines
    assert let_in == copied


def test_the_compose_file_mounts_files_that_exist_and_opens_no_port_to_others() -> None:
    document = yaml.safe_load((FILES / "compose.yaml").read_text(encoding="utf-8"))
    assert set(document["services"]) == {"copier", "prometheus", "grafana"}
    asked_of_the_person = {"./copier.toml", "./prometheus/copier.key"}
    readme = (FILES / "README.md").read_text(encoding="utf-8")
    for service in document["services"].values():
        assert "ports" not in service
        assert service["network_mode"] == "host", "all listen at this machine's own address"
        assert service["cap_drop"] == ["ALL"]
        for source in (volume.partition(":")[0] for volume in service["volumes"]):
            if source in asked_of_the_person:
                assert f"`{source.removeprefix('./')}`" in readme
            elif source.startswith("."):
                assert (FILES / source).is_file(), source
            else:
                assert source in document["volumes"]
    assert "127.0.0.1:9090" in " ".join(document["services"]["prometheus"]["command"])
    assert document["services"]["grafana"]["environment"]["GF_SERVER_HTTP_ADDR"] == "127.0.0.1"
    copier = document["services"]["copier"]
    assert (FILES / copier["build"]["context"] / copier["build"]["dockerfile"]).is_file()


def test_nothing_here_is_a_program_by_accident() -> None:
    assert not [path for path in FILES.rglob("*") if path.is_file() and path.stat().st_mode & stat.S_IXUSR]
