"""The worlds that every test of this folder runs in: all venues, those that trade, and those with a wire.

A test must itself ask for `autojump_clock`: pytest-trio takes a clock from the test's own arguments only.
"""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.conformance.venues import KINDS, STREAMED, TRADING, WIRED, World, open_world


@pytest.fixture(params=KINDS)
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    """Every venue, in every way in which its accounts keep positions."""
    async with open_world(request.param, tmp_path) as opened:
        yield opened


@pytest.fixture(params=TRADING)
async def trading(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    """Every venue that takes orders."""
    async with open_world(request.param, tmp_path) as opened:
        yield opened


@pytest.fixture(params=[kind for kind in TRADING if "netting" in kind])
async def netting(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    """Every venue that takes orders on an account with one position a symbol."""
    async with open_world(request.param, tmp_path) as opened:
        yield opened


@pytest.fixture(params=WIRED)
async def wired(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    """Every venue that takes orders over a wire; `test_folders` holds what the others say instead."""
    async with open_world(request.param, tmp_path) as opened:
        yield opened


@pytest.fixture(params=STREAMED)
async def streamed(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    """Every venue that streams over a wire, those that take no orders included."""
    async with open_world(request.param, tmp_path) as opened:
        yield opened


@pytest.fixture(params=KINDS)
async def pending(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    """Every venue whose accounts show pending orders."""
    async with open_world(request.param, tmp_path) as opened:
        _need_pending_orders(opened)
        yield opened


@pytest.fixture(params=TRADING)
async def placing_world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    """Every venue that takes pending orders."""
    async with open_world(request.param, tmp_path) as opened:
        _need_pending_orders(opened)
        yield opened


@pytest.fixture(params=WIRED)
async def wired_placing(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    """Every venue that takes pending orders over a wire."""
    async with open_world(request.param, tmp_path) as opened:
        _need_pending_orders(opened)
        yield opened


def _need_pending_orders(world: World) -> None:
    """Skip a venue that says that it has none; `test_capabilities` holds that against its snapshots."""
    if not world.account.capabilities.pending_orders:
        pytest.skip(f"{world.venue} has no pending orders")
