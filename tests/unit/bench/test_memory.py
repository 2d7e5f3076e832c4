"""The measure of memory."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from bench.memory import pss_of_tree, tree

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")


def test_tree_has_the_children_of_children_and_their_memory() -> None:
    """A grandchild that holds 32 MB is in the tree and in the sum."""
    inner = "held = b'x' * (32 * 1024 * 1024); print(1, flush=True); input()"
    outer = f"import subprocess, sys; subprocess.run([sys.executable, '-S', '-c', {inner!r}])"
    with subprocess.Popen(
        [sys.executable, "-S", "-c", outer], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        child.stdout.readline()
        assert len(tree(child.pid)) == 2
        assert child.pid in tree(os.getpid())
        assert 32 * 1024 * 1024 < pss_of_tree(child.pid) < 96 * 1024 * 1024


def test_process_that_is_gone_takes_nothing() -> None:
    """A process that ended is no error."""
    with subprocess.Popen([sys.executable, "-S", "-c", ""]) as done:
        done.wait()
    assert pss_of_tree(done.pid) == 0
