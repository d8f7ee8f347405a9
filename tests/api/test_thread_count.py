"""How many threads: the affinity, the control groups' quota, the environment, the call; and what is said of too many."""

import json
import math
import os
import re
import subprocess
import sys
import uuid
import warnings
from pathlib import Path

import pytest

import qkernels as qk
from qkernels import _native

V2 = "30 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n"
V1 = ("31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw\n"
      "40 31 0:36 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset\n"
      "32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw shared:9 - cgroup cgroup rw,cpu,cpuacct\n")
GROUPS_V1 = "9:name=systemd:/\n7:cpuset:/x\n4:cpu,cpuacct:{}\n0::/\n"


def tree(root, groups, mounts, quotas):
    """A file system with the process's groups, the mounts, and the quotas of directories below /sys/fs/cgroup."""
    files = {"proc/self/cgroup": groups, "proc/self/mountinfo": "22 1 8:1 / / rw - ext4 /dev/a rw\n" + mounts}
    for directory, quota in quotas.items():
        names = ["cpu.max"] if isinstance(quota, str) else ["cpu.cfs_quota_us", "cpu.cfs_period_us"]
        for name, text in zip(names, [quota] if isinstance(quota, str) else quota):
            files[f"sys/fs/cgroup/{directory}/{name}"] = f"{text}\n"
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return str(root)


@pytest.mark.parametrize("groups, mounts, quotas, want", [
    ("0::/\n", V2, {"": "max 100000"}, math.inf),
    ("0::/\n", V2, {}, math.inf),                                                             # the root has no such file
    ("0::/a/b\n", V2, {"a/b": "150000 100000"}, 1.5),
    ("0::/a/b\n", V2, {"a": "200000 100000", "a/b": "max 100000"}, 2.0),                      # the one around it
    ("0::/a/b\n", V2, {"a": "50000 100000", "a/b": "400000 100000"}, 0.5),                    # the tightest
    ("0::/a/b\n", V2, {"a/b/c": "50000 100000", "b": "50000 100000"}, math.inf),              # other groups' quotas
    ("0::/a\n", V2, {"a": "25000 50000"}, 0.5),
    ("0::/a\n", V2, {"a": "garbage"}, math.inf),
    ("0::/a\n", V2, {"a": "100000 0"}, math.inf),
    ("0::/docker/1\n", V2.replace("0:26 /", "0:26 /docker/1"), {"": "300000 100000"}, 3.0),   # mounted at the group
    ("0::/docker/1/x\n", V2.replace("0:26 /", "0:26 /docker/1"), {"x": "100000 100000"}, 1.0),
    ("0::/docker/12\n", V2.replace("0:26 /", "0:26 /docker/1"), {"": "300000 100000"}, 3.0),  # not below what is mounted
    ("0::/../other\n", V2, {"": "200000 100000", "../other": "100000 100000"}, 2.0),
    (GROUPS_V1.format("/"), V1, {"cpu,cpuacct": (-1, 100000)}, math.inf),
    (GROUPS_V1.format("/a"), V1, {"cpu,cpuacct/a": (250000, 100000)}, 2.5),
    (GROUPS_V1.format("/a/b"), V1, {"cpu,cpuacct/a": (100000, 100000), "cpu,cpuacct/a/b": (-1, 100000)}, 1.0),
    (GROUPS_V1.format("/a"), V1, {"cpuset/a": (100000, 100000)}, math.inf),                   # of another hierarchy
    (GROUPS_V1.format("/a") + "0::/a\n", V1 + V2.replace("cgroup rw", "cgroup/unified rw"),
     {"cpu,cpuacct/a": (300000, 100000), "unified": "max 100000"}, 3.0),
    ("0::/a\n", V2.replace("/sys/fs/cgroup", r"/sys/fs/cgroup/with\040space"), {"with space/a": "100000 100000"}, 1.0),
    ("0::/a\n", V2.replace("/sys/fs/cgroup", "/sys/fs/cgroup\\4"), {"a": "100000 100000"}, math.inf),
    ("", V2, {"": "100000 100000"}, math.inf),
    ("0::/a\n", "", {"a": "100000 100000"}, math.inf),
    ("nothing of the kind", "nor this - cgroup2", {}, math.inf),
    ("0::/" + "a" * 5000 + "\n", V2, {"": "100000 100000"}, math.inf)])
def test_quota_of_a_made_up_system(tmp_path, groups, mounts, quotas, want):
    assert _native.cpu_quota(tree(tmp_path, groups, mounts, quotas)) == want


def test_no_control_groups(tmp_path):
    assert _native.cpu_quota(str(tmp_path)) == math.inf == _native.cpu_quota(str(tmp_path / "absent"))


def fresh(code, *arguments, before="", **environment):
    """Standard output of a new interpreter; `before` is shell code that runs in its process first."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("QKERNELS_")}
    env = {**clean, "PYTHONPATH": str(Path(qk.__file__).parents[1]), **environment}
    return subprocess.run(["sh", "-c", f'{before}\nexec "$@"', "sh", sys.executable, *arguments, "-c", code], env=env,
                          capture_output=True, text=True, timeout=120)


SHOW = "import json, qkernels; print(json.dumps(qkernels.cpu_info()))"


def info(**options):
    done = fresh(SHOW, **options)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_the_least_of_affinity_and_quota():
    found = info()
    assert found["threads"] == found["threads_available"] == math.ceil(
        min(found["cpus_allowed"], found["cpu_quota"] or math.inf))
    assert found["cpus_allowed"] == len(os.sched_getaffinity(0))
    assert found["threads_from"] in ("affinity", "cgroup quota")


@pytest.fixture(params=["cpu.cfs_quota_us", "cpu.max"])
def control_group(request):
    """A control group of our own; skipped by name where the system does not let us make one."""
    mounts = [line.split() for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    kind = "cgroup" if request.param == "cpu.cfs_quota_us" else "cgroup2"
    for words in mounts:
        point, (fstype, _, options) = Path(words[4]), words[words.index("-") + 1:]
        if fstype == kind and (kind == "cgroup2" or "cpu" in options.split(",")):
            group = point / f"qkernels-test-{uuid.uuid4().hex}"
            try:
                group.mkdir()
            except OSError as error:
                pytest.skip(f"no control group can be made at {point}: {error}")
            try:
                if not (group / request.param).exists():
                    pytest.skip(f"{point} has no {request.param}")
                yield group
            finally:
                group.rmdir()
            return
    pytest.skip(f"no {kind} with a CPU controller is mounted")


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="one CPU: a quota below it changes nothing")
@pytest.mark.parametrize("cpus", [0.5, 1.0, 1.5])
def test_a_real_control_group(control_group, cpus):
    """A process in a group with a quota, the group's own or that of the one around it."""
    quota = int(cpus * 100000)
    (control_group / ("cpu.max" if (control_group / "cpu.max").exists() else "cpu.cfs_quota_us")).write_text(
        f"{quota} 100000" if (control_group / "cpu.max").exists() else str(quota))
    nested = control_group / "nested"
    nested.mkdir()
    try:
        for group in (control_group, nested):
            if group == control_group and (control_group / "cgroup.type").exists():
                continue                          # version 2 has no processes in inner groups
            found = info(before=f'echo $$ > "{group}/cgroup.procs"')
            assert found["cpu_quota"] == cpus and found["threads_available"] == found["threads"] == math.ceil(cpus)
            assert found["threads_from"] == ("cgroup quota" if cpus <= 1 else "affinity")
    finally:
        nested.rmdir()


AFFINITY = """
import os, threading, time
import numpy as np
import qkernels as qk
from qkernels import _native
cpus = sorted(os.sched_getaffinity(0))
assert qk.get_num_threads() == _native.threads_available() == len(cpus)
x = np.zeros(1 << 20, np.float32)
qk.quantize(x, 1.0)
os.sched_setaffinity(0, cpus[:1])
assert qk.get_num_threads() == 1 and qk.cpu_info()["threads_from"] == "affinity"
os.sched_setaffinity(0, cpus)
assert qk.get_num_threads() == len(cpus)
def workers():
    mine = {t.native_id for t in threading.enumerate()}
    return [os.sched_getaffinity(int(name)) for name in os.listdir("/proc/self/task") if int(name) not in mine]
before = len(workers())
qk.set_num_threads(2)
qk.quantize(x, 1.0)
assert len(workers()) == max(before, 1), workers()
qk.get_num_threads()
os.sched_setaffinity(0, cpus[1:])
time.sleep(1.1)            # the affinity is looked at once a second
qk.quantize(x, 1.0)
allowed = [w for w in workers()]
assert any(w <= set(cpus[1:]) for w in allowed), (allowed, cpus)
print("followed")
"""


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="one CPU: no other affinity")
def test_affinity_that_changes_after_import_is_followed():
    """By the number, and by where the workers run."""
    done = fresh(AFFINITY, "-W", "ignore", OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")
    assert done.stdout == "followed\n", done.stderr


def test_affinity_before_import():
    cpu = min(os.sched_getaffinity(0))
    done = fresh(f"import os; os.sched_setaffinity(0, [{cpu}]); {SHOW}")
    found = json.loads(done.stdout)
    assert (found["threads"], found["cpus_allowed"], found["threads_from"]) == (1, 1, "affinity")


TOO_MANY = _native.cpus_allowed() + 1


def test_more_threads_than_cpus_warn_in_each_call(threads):
    threads(1)
    for _ in range(2):
        with pytest.warns(RuntimeWarning, match=f"^n: {TOO_MANY} threads on .* CPU.*affinity.*cgroup quota") as caught:
            qk.set_num_threads(TOO_MANY)
        assert len(caught) == 1 and caught[0].filename == __file__
    assert qk.get_num_threads() == TOO_MANY


def test_as_many_threads_as_cpus_do_not_warn(threads):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        qk.set_num_threads(_native.threads_available())
        qk.set_num_threads(1)
    assert qk.get_num_threads() == 1


def test_a_warning_that_is_an_error_sets_nothing(threads):
    threads(1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(RuntimeWarning):
            qk.set_num_threads(TOO_MANY)
    assert qk.get_num_threads() == 1


def test_environment_warns_too():
    done = fresh(SHOW, QKERNELS_NUM_THREADS=str(TOO_MANY))
    found = json.loads(done.stdout)
    assert (found["threads"], found["threads_from"]) == (TOO_MANY, "environment")
    assert f"RuntimeWarning: QKERNELS_NUM_THREADS: {TOO_MANY} threads on" in done.stderr
    assert fresh(SHOW, "-W", "ignore", QKERNELS_NUM_THREADS=str(TOO_MANY)).stderr == ""
    assert fresh(SHOW, QKERNELS_NUM_THREADS="1").stderr == ""


@pytest.mark.parametrize("options, words", [({}, "by (affinity|cgroup quota)"),
                                            ({"QKERNELS_NUM_THREADS": "1"}, "1 in use, by environment")])
def test_info_says_where_the_number_comes_from(options, words):
    done = fresh("import sys; from qkernels.cli import main; sys.argv[1:] = ['info']; main()", **options)
    assert done.returncode == 0, done.stderr
    line = next(line for line in done.stdout.splitlines() if line.startswith("threads: "))
    assert re.search(words + r"; \d+ available \(affinity \d+, cgroup quota (none|[\d.]+)\)$", line), line


def test_a_call_is_named_as_the_source(threads):
    done = fresh("import qkernels as q; q.set_num_threads(1); i = q.cpu_info(); print(i['threads'], i['threads_from'])",
                 QKERNELS_NUM_THREADS="1")
    assert done.stdout == "1 call\n", done.stderr
