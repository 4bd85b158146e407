"""A process of its own: what it tells, gives, raises, and how its end is noticed."""

import os
import signal

import pytest
from threadpoolctl import threadpool_info

from segue.comparison.measure import OutOfTimeError, RunSettings
from segue.comparison.process import ProcessRunner
from segue.comparison.source import Source
from segue.errors import InputError, ResourceError
from segue.graph.split import SplitRecipe


@pytest.fixture
def runner(planted_graph, tmp_path):
    planted_graph.save(tmp_path / "graph")
    settings = RunSettings(tmp_path / "report", threads=1)
    return ProcessRunner(Source(tmp_path / "graph", SplitRecipe()), settings)


def facts(work, split, settings, on_progress):
    on_progress(0.5, "half of it")
    threads = {pool["num_threads"] for pool in threadpool_info()}
    return os.getpid(), work, split.fingerprint, settings.folder.name, threads


def killed(work, split, settings, on_progress):
    os.kill(os.getpid(), signal.SIGKILL)


def refused(work, split, settings, on_progress):
    raise InputError("the grid is empty")


def late(work, split, settings, on_progress):
    raise OutOfTimeError


def test_it_reads_the_data_limits_its_threads_and_reports(runner):
    told = []
    note = lambda share, words: told.append((share, words))  # noqa: E731
    process, work, fingerprint, folder, threads = runner.run(facts, ["gcn"], note, "gcn")
    assert process != os.getpid()
    assert (work, folder, threads) == (["gcn"], "report", {1})
    assert fingerprint == runner.source.load().fingerprint
    assert told == [(0.5, "half of it")]


def test_a_killed_process_is_a_resource_that_ran_out(runner):
    with pytest.raises(
        ResourceError,
        match=r"process of gcn-bpr ended without a result \(exit status -9\); it may have run out",
    ):
        runner.run(killed, None, lambda share, words: None, "gcn-bpr")


def test_errors_are_those_of_the_task(runner):
    with pytest.raises(InputError, match="the grid is empty"):
        runner.run(refused, None, lambda share, words: None, "gcn")
    with pytest.raises(OutOfTimeError):
        runner.run(late, None, lambda share, words: None, "gcn")
