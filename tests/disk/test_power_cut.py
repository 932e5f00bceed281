"""P2: a power cut at any point loses no settled recording; and every fsync that this takes is needed."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import Figure
from tests.disk.enumerator import Budget
from tests.disk.model import Model
from tests.disk.power_cut import PowerCut, Violation
from tests.disk.scenarios import SCENARIOS, record

SEED = 20261125
_MEMORY = Path("/dev/shm")  # crash states by the thousand: no disk is asked where memory will do

#: fsyncs whose loss no crash state shows, and why they stay
SPARE = {
    "directory: files.replace < document.write < receipt.write < upload.upload_recording": "the "
    "supervisor syncs the directory before it tells; `replace` is one function, and the announcement "
    "before it (`outgoing._announce`) needs that sync",
    "directory: files.replace < document.write < document.update < account.account": "as above",
    "directory: files.replace < document.write < document.update < merge.merge_recording": "as above",
    "directory: files.replace < document.write < document.update < pinned.pin_footage": "as above: "
    "what is pinned may be old or new",
    "directory: probe._keeps_directories": "it asks the file system whether it can",
}

#: fsyncs that make no difference in most lifecycles, and the one in which they do
NEEDED_IN = {
    "file: journal._add < journal.append < commit.record": "by_hand",
    "directory: journal.append < commit.record": "by_hand",
    "file: safekeeping._sync": "drop",
    "directory: safekeeping.keep": "drop",
    "directory: place.remove < tidying._remove_lost": "drop",
}


def budget(long: bool) -> Budget:
    """Everything up to 48 states a cut, the journal torn at each byte; or a fair sample of it."""
    if long:
        return Budget(bound=48, seed=SEED, every_byte=True)
    return Budget(bound=1, seed=SEED, one_in=8)


@pytest.fixture
def site(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> Iterator[Path]:
    """Where crash states are built. What the engine says to each of thousands is not kept."""
    caplog.set_level(logging.CRITICAL, "ezrec")
    where = _MEMORY if _MEMORY.is_dir() else tmp_path
    with tempfile.TemporaryDirectory(dir=where) as made:
        yield Path(made)


@pytest.mark.parametrize("name", SCENARIOS)
def test_p02_a_power_cut_loses_no_settled_recording(
    tmp_path: Path, site: Path, name: str, long: bool, figure: Figure
) -> None:
    """Whatever was on the disk: one state, what it says is there and whole, nothing that was told is
    untold, reconciling twice is once, and all that is left to do gets done, with one object."""
    power_cut = PowerCut(record(name, tmp_path), site)
    for model in Model:
        before = len(power_cut.tried)
        broken = list(power_cut.violations(model, budget(long)))
        tried = len(power_cut.tried) - before
        cuts = sum(kind is model for kind, _ in power_cut.cuts)
        told = f"{tried} states at {cuts} of {len(power_cut.trace.steps)} cuts, seed {SEED}"
        figure(f"P2 {name}, {model.value}", f"{told}, {len(broken)} violations")
        assert tried > 10
        assert not broken, "\n".join(map(str, broken[:5]))
    power_cut.close()


@pytest.mark.parametrize("part", ["usual", "rest"])
def test_p02_every_fsync_is_needed(
    tmp_path: Path, site: Path, part: str, long: bool, figure: Figure
) -> None:
    """Without any one of the fsyncs of a lifecycle some crash state breaks a promise. The short form
    takes the two lifecycles that have nearly every call site of the commit path."""
    shares = {"usual": ["drop"], "rest": ["by_hand"]}
    others = [name for name in SCENARIOS if name not in ("drop", "by_hand")] if long else []
    for name in [*shares[part], *(others[::2] if part == "usual" else others[1::2])]:
        each_fsync_is_needed(tmp_path / name, site / name, name, figure)


def each_fsync_is_needed(tmp_path: Path, site: Path, name: str, figure: Figure) -> None:
    """Take out one call site after the other."""
    tmp_path.mkdir()
    site.mkdir()
    power_cut = PowerCut(record(name, tmp_path), site)
    missed, found = [], 0
    for place, steps in power_cut.trace.syncs().items():
        if place in SPARE or NEEDED_IN.get(place, name) != name:
            continue
        if first_violation(power_cut, steps) is None:
            missed.append(place)
        found += 1
    figure(f"P2 fsyncs taken out of {name}", f"{found - len(missed)} of {found} noticed")
    power_cut.close()
    assert not missed


def first_violation(power_cut: PowerCut, steps: tuple[int, ...]) -> Violation | None:
    """What goes wrong without these syncs, in either model."""
    few = Budget(bound=4, seed=SEED)
    found = (v for model in Model for v in power_cut.violations(model, few, without=steps))
    return next(found, None)
