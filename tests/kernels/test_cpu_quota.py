"""Control groups' files as no system writes them: read under sanitizers, never past an end."""

import random
import subprocess

import pytest
from native_build import COMPILERS, ROOT

MAIN = """
#include "qkernels.h"
#include <stdio.h>
int main(int n, char **roots) {
    for (int i = 1; i < n; i++) printf("%g\\n", qk_cpu_quota(roots[i]));
    return 0;
}
"""
FILES = {
    "proc/self/cgroup": "9:name=systemd:/\n4:cpu,cpuacct:/a/b\n0::/a/b\n",
    "proc/self/mountinfo": "22 1 8:1 / / rw - ext4 /dev/a rw\n"
                           "32 31 0:29 / /sys/fs/cgroup/cpu rw shared:9 - cgroup cgroup rw,cpu\n"
                           "30 23 0:26 /a /sys/fs/cgroup/u\\040x rw - cgroup2 cgroup2 rw\n",
    "sys/fs/cgroup/cpu/a/b/cpu.cfs_quota_us": "150000\n",
    "sys/fs/cgroup/cpu/a/b/cpu.cfs_period_us": "100000\n",
    "sys/fs/cgroup/u x/cpu.max": "130000 100000\n"}
PIECES = ["/a", "cpu", ":", "\\040", "\\4", " - ", "/..", "\0", "\n", " ", "A", ".", "%s", "-1", ",", "1e999",
          "a" * 4090, "/a" * 3000]


def damaged(rng, text):
    for _ in range(rng.choice([0, 1, 2, 5, 20])):
        start = rng.randrange(len(text) + 1)
        text = text[:start] + rng.choice([*PIECES, ""]) + text[start + rng.choice([0, 0, 1, 2, 30]):]
    return text


@pytest.mark.parametrize("compiler", COMPILERS)
def test_damaged_files(native_builds, compiler, tmp_path):
    build = native_builds(compiler, "sanitized")
    main = tmp_path / "main.c"
    main.write_text(MAIN)
    program = build.link("cpu_quota", build.compile([main, ROOT / "src_c" / "cpu_quota.c"], "cpu_quota"))
    rng, roots = random.Random(1), []
    for number in range(400):
        roots.append(tmp_path / str(number))
        for name, text in FILES.items():
            path = roots[-1] / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text if number == 0 else damaged(rng, text))
    done = subprocess.run([str(program), *map(str, roots)], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    quotas = list(map(float, done.stdout.split()))
    assert len(quotas) == len(roots) and quotas[0] == 1.3 and min(quotas) > 0
