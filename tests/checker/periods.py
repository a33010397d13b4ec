"""When the period of a limit began: one reset for each local date, and of longer periods that of their first date."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from tests.checker.trees import Tree

DAY = timedelta(days=1)
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
OF_KINDS = {
    "daily_loss": "day",
    "weekly_loss": "week",
    "monthly_loss": "month",
    "quarterly_loss": "quarter",
    "yearly_loss": "year",
}
MONTHS = {"month": 1, "quarter": 3, "year": 12}


def period_of(row: Tree) -> str:
    """Return how long a limit collects, or a budget counts."""
    if row["kind"] in ("max_orders", "max_opened_volume"):
        return str(row.get("period", "day"))
    return str(row.get("period", "total") if row["kind"] == "profit_target" else OF_KINDS.get(row["kind"], "total"))


def begins_anew(row: Tree) -> bool:
    """Tell whether a reset ends what is in force, and sets what is counted from anew."""
    return period_of(row) != "total"


def begun(row: Tree, now: datetime) -> datetime | None:
    """Return the last reset of a limit; None: it has none."""
    if "reset" not in row:
        return None
    clock, zone_name = row["reset"].split()
    zone, at, period = ZoneInfo(zone_name), time.fromisoformat(clock), period_of(row)
    day = now.astimezone(zone).date() + 2 * DAY
    while not (is_first(day, period, row.get("week_starts", "monday")) and instant(day, at, zone) <= now):
        day -= DAY
    return instant(day, at, zone)


def is_first(day: date, period: str, week_starts: str) -> bool:
    """Tell whether a period begins on a date."""
    if period == "week":
        return WEEKDAYS[day.weekday()] == week_starts
    if period in MONTHS:
        return day.day == 1 and (day.month - 1) % MONTHS[period] == 0
    return True


def day_begun(reset: str, now: datetime) -> datetime:
    """Return the last reset of days."""
    found = begun({"kind": "daily_loss", "reset": reset}, now)
    assert found is not None  # it was given
    return found


def instant(day: date, at: time, zone: ZoneInfo) -> datetime:
    """Return when the clocks first show a time on a day; one that they skip counts when they jump."""
    wall = datetime.combine(day, at)
    found = wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
    return found if found.astimezone(zone).replace(tzinfo=None) == wall else zone_jump(zone, found)


def zone_jump(zone: ZoneInfo, near: datetime) -> datetime:
    """Return when the clocks jump, at most three hours before `near`, by walking minutes."""
    moment = near.replace(second=0, microsecond=0)
    while moment.astimezone(zone).utcoffset() == (moment - timedelta(minutes=1)).astimezone(zone).utcoffset():
        moment -= timedelta(minutes=1)
    return moment
