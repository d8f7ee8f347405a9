"""Loops of compiled functions, from objdump."""

import re
import shutil
import subprocess

import pytest

_LINE = re.compile(r"^\s*([0-9a-f]+):\s+(\S+)\s*(.*)$")
_NAME = re.compile(r"^[0-9a-f]+ <([^>]+)>:$")
_DOT = ("vpdpbusd", "vpmaddwd")


def functions(path):
    """{name: [(address, mnemonic, operands)]} in AT&T syntax."""
    if shutil.which("objdump") is None:
        pytest.skip("no objdump")
    text = subprocess.run(["objdump", "-d", "--no-show-raw-insn", str(path)], capture_output=True, text=True,
                          check=True).stdout
    found, body = {}, []
    for line in text.splitlines():
        if name := _NAME.match(line):
            body = found.setdefault(name[1], [])
        elif instruction := _LINE.match(line):
            body.append((int(instruction[1], 16), instruction[2], instruction[3]))
    return found


def loops(body):
    """What lies between a backward jump and its target, shortest first."""
    found = []
    for address, mnemonic, operands in body:
        target = re.match(r"([0-9a-f]+)\b", operands)
        if mnemonic.startswith("j") and target and body[0][0] <= int(target[1], 16) <= address:
            found.append([entry for entry in body if int(target[1], 16) <= entry[0] <= address])
    return sorted(found, key=len)


def dots(body):
    return sum(mnemonic in _DOT for _, mnemonic, _ in body)


def hot_loop(body, least):
    """The innermost loop of at least `least` dot products: what is shorter is a cold block that jumps back."""
    return next((loop for loop in loops(body) if dots(loop) >= least), None)


def vector_stores(body, stack_only=False):
    """Instructions that write a whole ymm or zmm register to memory."""
    place = r"-?(0x[0-9a-f]+)?\(%r[sb]p" if stack_only else r".*\("
    return [f"{mnemonic} {operands}" for _, mnemonic, operands in body
            if mnemonic.startswith("vmov") and re.match(rf"%[yz]mm\d+,{place}", operands)]
