"""What a block consumes, children and grandchildren included."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time

import pytest

from automation_scripts import resources
from automation_scripts.resources import ResourceSampler

BURN = "import time\nwhile time.process_time() < {0}: pass\n"


def burn(seconds: float) -> None:
    """Use CPU time in this process."""
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass


def python(code: str) -> list[str]:
    return [sys.executable, "-S", "-c", code]


def test_cpu_time_of_this_process_and_of_ended_children_is_exact():
    before = time.process_time()
    with ResourceSampler() as sampler:
        burn(0.2)
        subprocess.run(python(BURN.format(0.3)), check=True)
        subprocess.run(["sh", "-c", f"{sys.executable} -S -c '{BURN.format(0.2)}'; exit 0"], check=True)
        threading.Thread(target=burn, args=(0.1,)).run()
    own = time.process_time() - before
    assert sampler.usage.cpu_s >= own + 0.5 - 0.02
    assert sampler.usage.cpu_s <= own + 0.5 + 0.3  # the children's start and end


def test_a_child_that_still_runs_counts_what_it_used_so_far():
    child = subprocess.Popen(python(BURN.format(0.3) + "print(flush=True)\ninput()"), stdin=-1, stdout=-1)
    try:
        with ResourceSampler() as sampler:
            child.stdout.readline()
        assert 0.15 <= sampler.usage.cpu_s <= 0.6
        with ResourceSampler() as later:
            pass
        assert later.usage.cpu_s < 0.1  # what it used before the block is not of the block
    finally:
        child.communicate(b"\n")


def test_a_child_from_before_that_ends_inside_counts_only_what_it_used_inside():
    code = BURN.format(0.3) + "print(flush=True)\ninput()"
    child = subprocess.Popen(python(code), stdin=-1, stdout=-1)
    child.stdout.readline()
    with ResourceSampler() as sampler:
        child.communicate(b"\n")
    assert sampler.usage.cpu_s < 0.15


def test_a_child_that_is_reaped_while_the_totals_are_read_is_not_lost(monkeypatch):
    whole = resources._own_totals
    with ResourceSampler(interval_s=3600) as sampler:
        child = subprocess.Popen(python(BURN.format(0.3)))
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)

        def own_totals_then_reap():
            totals = whole()
            child.poll()
            return totals

        monkeypatch.setattr(resources, "_own_totals", own_totals_then_reap)
        assert 0.3 <= sampler.snapshot().cpu_s <= 0.5
        assert 0.3 <= sampler.snapshot().cpu_s <= 0.5


def test_an_orphan_that_was_seen_is_followed():
    # The middle process lives long enough to be seen with its child, then ends without waiting for it.
    grandchild = BURN.format(0.4) + "print('burnt', flush=True)\nimport sys; sys.stdin.read()"
    middle = f"""
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-S", "-c", {grandchild!r}])
sys.stdin.readline()
import os; os._exit(0)
"""
    with ResourceSampler(interval_s=0.02) as sampler:
        process = subprocess.Popen(python(middle), stdin=-1, stdout=-1)
        deadline = time.monotonic() + 30
        while sampler.snapshot().cpu_s < 0.1 and time.monotonic() < deadline:
            time.sleep(0.02)
        process.stdin.write(b"\n")
        process.stdin.flush()
        process.wait()
        assert process.stdout.readline().strip() == b"burnt"
        alive = sampler.snapshot().cpu_s
        process.stdin.close()
        process.stdout.read()
    assert alive >= 0.35
    assert alive - 0.02 <= sampler.usage.cpu_s < 1.0


def test_peak_memory_is_that_of_the_tree_at_once():
    code = "x = bytearray(60_000_000)\nprint(flush=True)\ninput()"
    with ResourceSampler(interval_s=0.02) as sampler:
        children = [subprocess.Popen(python(code), stdin=-1, stdout=-1) for _ in range(2)]
        for child in children:
            child.stdout.readline()
        sampler.snapshot()
        for child in children:
            child.communicate(b"\n")
    assert 114 <= sampler.usage.max_rss_mb < 1000


def test_a_peak_between_two_samples_is_not_lost():
    code = """
from automation_scripts.resources import ResourceSampler
with ResourceSampler(interval_s=3600) as sampler:
    x = bytearray(200_000_000)
    del x
print(sampler.usage.max_rss_mb)
with ResourceSampler(interval_s=3600) as later:
    pass
print(later.usage.max_rss_mb)
import subprocess, sys
with ResourceSampler(interval_s=3600) as small:
    subprocess.run(["true"])
print(small.usage.max_rss_mb)
with ResourceSampler(interval_s=3600) as child:
    subprocess.run([sys.executable, "-S", "-c", "x = bytearray(300_000_000)"])
print(child.usage.max_rss_mb)
"""
    out = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    during, later, small, child = map(float, out.split())
    assert during >= 190
    assert later < 100  # the peak was before
    assert small < 100  # the kernel gives a child the mark of its parent
    assert child >= 286


def test_bytes_read_and_written_include_those_of_children(tmp_path):
    source = tmp_path / "source"
    code = f"d = open({str(source)!r}, 'rb').read(); open({str(source)!r} + '2', 'wb').write(d)"
    with ResourceSampler() as sampler:
        source.write_bytes(b"x" * 3_000_000)
        subprocess.run(python(code), check=True)
    usage = sampler.usage
    if usage.read_bytes is None:
        pytest.skip("this system does not tell")
    assert 6_000_000 <= usage.written_bytes < 6_500_000
    assert 3_000_000 <= usage.read_bytes < 6_000_000


def test_where_io_may_not_be_read_the_rest_is_still_told(monkeypatch):
    monkeypatch.setattr(resources, "_io_bytes", lambda pid: (None, None))
    with ResourceSampler() as sampler:
        burn(0.05)
    usage = sampler.usage
    assert (usage.read_bytes, usage.written_bytes) == (None, None)
    assert usage.cpu_s >= 0.05
    assert usage.max_rss_mb > 5


def test_without_proc_the_figures_come_from_psutil(monkeypatch):
    monkeypatch.setattr(resources, "HAS_PROC", False)
    child = subprocess.Popen(python(BURN.format(0.2) + "print(flush=True)\ninput()"), stdin=-1, stdout=-1)
    try:
        with ResourceSampler() as sampler:
            child.stdout.readline()
        assert 0.1 <= sampler.usage.cpu_s < 0.6
        assert sampler.usage.max_rss_mb > 5
    finally:
        child.communicate(b"\n")


def test_runs_that_share_the_process_say_so():
    with ResourceSampler() as first:
        with ResourceSampler() as second, ResourceSampler() as third:
            burn(0.05)
        assert first.snapshot().shared_with == 2
    assert [sampler.usage.shared_with for sampler in (first, second, third)] == [2, 2, 2]
    with ResourceSampler() as alone:
        pass
    assert alone.usage.shared_with == 0
    assert first.usage.cpu_s >= second.usage.cpu_s >= 0.05


def test_the_sampler_ends_with_its_block_and_can_be_used_again():
    sampler = ResourceSampler(interval_s=0.01)
    before = threading.active_count()
    with pytest.raises(RuntimeError, match="boom"), sampler:
        burn(0.1)
        raise RuntimeError("boom")
    assert threading.active_count() == before
    assert sampler.usage.cpu_s >= 0.1
    with sampler:
        pass
    assert sampler.usage.cpu_s < 0.1
    assert sampler.usage.as_fields().items() < sampler.usage.to_dict().items()
    assert sampler.usage.to_dict().keys() == {
        "cpu_s",
        "max_rss_mb",
        "read_bytes",
        "written_bytes",
        "shared_with",
    }
