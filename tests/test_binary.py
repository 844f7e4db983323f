# SPDX-License-Identifier: MIT
"""The program as a file: hardened, linked against what is expected, and without the switches of test builds."""

import os
import re
import stat
import subprocess

import pytest

from harness.server import binary

LIBRARIES = {"libc.so.6", "libjansson.so.4", "libmicrohttpd.so.12", "libseccomp.so.2"}
LOADERS = re.compile(r"ld-linux[-a-z0-9_]*\.so\.\d|libgcc_s\.so\.1")
TEST_SWITCHES = (b"SAFE_EXEC_TEST_DROP", b"SAFE_EXEC_TEST_SKIP_SELFTEST", b"SAFE_EXEC_TEST")


def _readelf(*flags):
    return subprocess.run(["readelf", "-W", *flags, binary()], check=True, capture_output=True, text=True,
                          env={"LC_ALL": "C", "PATH": os.environ["PATH"]}).stdout


def _content():
    with open(binary(), "rb") as file:
        return file.read()


@pytest.fixture(scope="module", autouse=True)
def released():
    """The sanitizer and the test build are other programs."""
    if b"__asan_init" in _content() or "drop" in os.path.basename(binary()):
        pytest.skip("not a release build")


def test_position_independent():
    assert re.search(r"Type:\s+DYN", _readelf("-h"))
    assert re.search(r"\(FLAGS_1\).*\bPIE\b", _readelf("-d"))


def test_relocations_are_read_only_and_bound_at_start():
    assert "GNU_RELRO" in _readelf("-l")
    assert re.search(r"\(FLAGS\).*BIND_NOW|\(FLAGS_1\).*\bNOW\b", _readelf("-d"))


def test_no_segment_is_writable_and_executable():
    segments = re.findall(r"^\s+(\S+)\s+0x\S+ 0x\S+ 0x\S+ 0x\S+ 0x\S+ ([RWE ]{3})", _readelf("-l"), re.MULTILINE)
    assert {"LOAD", "GNU_STACK"} <= {name for name, _ in segments}
    assert [name for name, flags in segments if "W" in flags and "E" in flags] == []


def test_stack_protector_and_fortified_calls():
    symbols = _readelf("--dyn-syms")
    assert "__stack_chk_fail" in symbols
    assert len(set(re.findall(r"__\w+_chk\b", symbols)) - {"__stack_chk_fail"}) >= 2


def test_no_call_that_cannot_be_bounded():
    symbols = set(re.findall(r"UND (\w+)", _readelf("--dyn-syms")))
    assert "execve" in symbols
    assert not symbols & {"gets", "strcpy", "strcat", "sprintf", "vsprintf", "system", "popen", "tmpnam", "mktemp",
                          "dlopen"}


def test_libraries_are_the_expected_ones():
    dynamic = _readelf("-d")
    needed = set(re.findall(r"\(NEEDED\).*\[(.+)\]", dynamic))
    assert {name for name in needed if not LOADERS.fullmatch(name)} == LIBRARIES
    assert "(RPATH)" not in dynamic and "(RUNPATH)" not in dynamic and "(TEXTREL)" not in dynamic


def test_file_mode():
    mode = os.stat(binary()).st_mode
    assert not mode & (stat.S_IWOTH | stat.S_ISUID | stat.S_ISGID)


@pytest.mark.parametrize("word", TEST_SWITCHES, ids=bytes.decode)
def test_no_switch_of_test_builds(word):
    assert word not in _content()
