"""The dashboard's files: whole or squeezed, kept by browsers as long as they may be, and nothing but what was built."""

import gzip
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest
from starlette.applications import Starlette

from copier.web.app import create_app
from copier.web.pages import BUILT, read_build, routes_of
from tests.copier.web.running import Answered, ask, running_surface

ROOT = Path(__file__).parents[3]

# What a phone on a train loads once; most of it is the library that draws curves, fetched when one is shown.
SQUEEZED_BYTES_MAX = 60_000
FIRST_BYTES_MAX = 40_000


def build(folder: Path) -> Path:
    """Write what a build looks like."""
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text("<!doctype html><p>hello")
    (folder / "assets" / "index-abc.js").write_text("1;" * 1000)
    (folder / "assets" / "notes.txt").write_text("not ours to serve")
    return folder


async def asked(folder: Path, path: str, **headers: str) -> Answered:
    app = Starlette(routes=routes_of(folder))
    return await ask(app, "GET", path, headers=[("host", "localhost"), *headers.items()])


async def test_the_first_page_is_asked_anew_each_time_and_allows_nothing_but_our_files(tmp_path: Path) -> None:
    answer = await asked(build(tmp_path / "dist"), "/")
    assert answer.status == 200
    assert answer.body.endswith(b"<p>hello")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["cache-control"] == "no-cache"
    policy = dict(part.strip().split(" ", 1) for part in answer.headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert policy["require-trusted-types-for"] == "'script'"


async def test_a_file_whose_name_tells_its_content_is_kept_for_ever_and_sent_squeezed(tmp_path: Path) -> None:
    folder = build(tmp_path / "dist")
    answer = await asked(folder, "/assets/index-abc.js", **{"accept-encoding": "gzip, br"})
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.headers["vary"] == "accept-encoding"
    assert gzip.decompress(answer.body) == b"1;" * 1000
    assert "immutable" in answer.headers["cache-control"]
    whole = await asked(folder, "/assets/index-abc.js")
    assert "content-encoding" not in whole.headers
    assert whole.body == b"1;" * 1000


async def test_what_the_browser_has_already_is_not_sent_again(tmp_path: Path) -> None:
    folder = build(tmp_path / "dist")
    first = await asked(folder, "/")
    again = await asked(folder, "/", **{"if-none-match": first.headers["etag"]})
    assert (again.status, again.body) == (304, b"")


@pytest.mark.parametrize("path", ["/assets/notes.txt", "/assets/../../pages.py", "/index.html", "/assets/"])
async def test_nothing_else_is_served(tmp_path: Path, path: str) -> None:
    assert (await asked(build(tmp_path / "dist"), path)).status == 404


async def test_where_nothing_was_built_the_page_says_how(tmp_path: Path) -> None:
    answer = await asked(tmp_path, "/")
    assert answer.status == 503
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert b"`make dashboard`" in answer.body


async def test_the_files_are_for_everybody_and_the_app_serves_them(tmp_path: Path) -> None:
    async with running_surface(tmp_path) as surface:
        answer = await ask(create_app(surface), "GET", "/", client=("192.0.2.1", 50000))
        assert answer.status in (200, 503), "as it was built or not, but never 401"
        assert answer.headers["x-content-type-options"] == "nosniff"


# What was really built.


@pytest.fixture
def built() -> dict[str, bytes]:
    if not (BUILT / "index.html").exists():
        pytest.fail("the dashboard is not built: run `make dashboard`")
    return {name: file.body for name, file in read_build(BUILT)}


def test_the_dashboard_is_small(built: dict[str, bytes]) -> None:
    sizes = {name: len(gzip.compress(body, 9)) for name, body in built.items()}
    assert sum(sizes.values()) <= SQUEEZED_BYTES_MAX, sizes
    assert sum(size for name, size in sizes.items() if "chart" not in name) <= FIRST_BYTES_MAX, sizes


def test_the_first_page_holds_no_script_and_no_style_and_names_no_other_place(built: dict[str, bytes]) -> None:
    page = built["index.html"].decode()
    assert re.findall(r"<script(?![^>]* src=)|<style|\sstyle=|\son[a-z]+=|javascript:", page) == []
    assert re.findall(r"""(?:src|href)=["'](?!/assets/)[^"']*""", page) == []


def test_nothing_that_was_built_evaluates_text_or_makes_markup_of_it(built: dict[str, bytes]) -> None:
    scripts = b"\n".join(body for name, body in built.items() if name.endswith(".js"))
    assert re.findall(rb"\beval\(|new Function\b|document\.write|insertAdjacentHTML|outerHTML", scripts) == []


@pytest.mark.slow  # bundles the parts and starts node
@pytest.mark.peer
def test_the_parts_that_need_no_browser_do_what_they_say() -> None:
    npm = shutil.which("npm", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]))
    assert npm is not None, "npm is missing: run `make test`, which installs it"
    done = subprocess.run(
        [npm, "test", "--silent"],
        cwd=ROOT / "copier" / "dashboard",
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]


@pytest.mark.slow  # builds a wheel
def test_a_wheel_brings_the_dashboard_along_and_none_of_its_sources(built: dict[str, bytes], tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=120)
    with ZipFile(next(tmp_path.glob("*.whl"))) as wheel:
        files = {name for name in wheel.namelist() if name.startswith("copier/dashboard/")}
    assert files == {f"copier/dashboard/dist/{name}" for name in built}
