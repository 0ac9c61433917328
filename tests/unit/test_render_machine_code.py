"""Kernels as machine code: where it is kept, what may be in it, and that a renderer has no compiler in it."""

import ctypes
import json
import os
import shutil
import subprocess
import sys

import pytest
from llvmlite import binding as llvm
from structlog.testing import capture_logs

from workers.cpu_render.machine_code import image, loading, place
from workers.cpu_render.machine_code.elf import NotLinked, flattened

pytestmark = pytest.mark.skipif(not image.is_supported(), reason="images are for Linux on x86-64")

SUMS = """
@numbers = internal constant [4 x i32] [i32 5, i32 6, i32 7, i32 8]
define internal i32 @number(i64 %n) noinline {
  %at = getelementptr [4 x i32], ptr @numbers, i64 0, i64 %n
  %found = load i32, ptr %at
  ret i32 %found
}
define i32 @sum(i64 %a, i64 %b) {
  %one = call i32 @number(i64 %a)
  %other = call i32 @number(i64 %b)
  %sum = add i32 %one, %other
  ret i32 %sum
}
"""
CALLS = "declare void @puts(ptr)\ndefine void @hello(ptr %text) { call void @puts(ptr %text) ret void }"
COUNTS = """
@count = internal global i32 0
define i32 @counted() {
  %before = load i32, ptr @count
  %after = add i32 %before, 1
  store i32 %after, ptr @count
  ret i32 %after
}
"""


def compiled(text):
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    target = llvm.Target.from_triple(llvm.get_process_triple()).create_target_machine(
        reloc="pic", codemodel="small"
    )
    return target.emit_object(llvm.parse_assembly(text))


def test_functions_and_constants_find_each_other_wherever_they_are_laid():
    flat = flattened(compiled(SUMS))
    assert list(flat.entries) == ["sum"]
    start = image.laid(flat.code)
    total = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_int64, ctypes.c_int64)(start + flat.entries["sum"])
    assert [total(a, b) for a, b in ((0, 0), (1, 2), (3, 3))] == [10, 13, 16]


@pytest.mark.parametrize(("text", "said"), [(CALLS, "it needs puts"), (COUNTS, "it has variables")])
def test_code_that_does_not_stand_alone_is_refused(text, said):
    with pytest.raises(NotLinked, match=said):
        flattened(compiled(text))


@pytest.fixture
def builds(tmp_path, monkeypatch):
    """Images are kept in a folder of the test's; building one copies the one there is. What was built."""
    loading.kernels()
    there = place.folder() / place.file_name()
    built = []

    def copied(path):
        built.append(path.name)
        shutil.copyfile(there, path)

    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "kernels"))
    monkeypatch.setattr(loading, "_build", copied)
    return built


def test_an_image_is_made_once(builds, tmp_path):
    assert loading.kernels().keys() == loading.kernels().keys()
    assert builds == [path.name for path in (tmp_path / "kernels").iterdir()]


@pytest.mark.parametrize(
    "spoilt",
    [
        lambda content: b"",
        lambda content: content[: len(content) // 2],
        lambda content: b"\x90" + content[1:],
        lambda content: content.rpartition(b"\n")[0] + b"\n" + json.dumps({"entries": {}}).encode(),
    ],
    ids=["empty", "half", "another byte", "without functions"],
)
def test_a_damaged_image_is_made_anew_and_never_run(builds, tmp_path, spoilt):
    loading.kernels()
    path = tmp_path / "kernels" / builds[0]
    whole = path.read_bytes()
    path.write_bytes(spoilt(whole))
    assert loading.kernels()
    assert len(builds) == 2 and path.read_bytes() == whole


def test_another_processor_or_compiler_has_another_image(monkeypatch):
    names = {place.file_name()}
    for flags in ("sse2", "sse2 avx2"):
        said = {"flags": flags, "cpu MHz": "2000"}
        monkeypatch.setattr(place, "facts", lambda said=said: said)
        names.add(place.file_name())
    steady = place.file_name()
    said["cpu MHz"] = "3100"  # what changes by the minute does not count
    assert place.file_name() == steady
    monkeypatch.setattr(place, "version", lambda name: "0.1")
    assert len(names | {place.file_name()}) == 4


def test_a_read_only_installation_keeps_kernels_under_farm_home(tmp_path, monkeypatch):
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    monkeypatch.setenv("FARM_HOME", str(tmp_path / "home"))
    package = place.Path(place.__file__).parent
    can_write = place.is_writable
    monkeypatch.setattr(
        place, "is_writable", lambda folder: package not in folder.parents and can_write(folder)
    )
    assert place.folder() == tmp_path / "home" / "cache" / "kernels"


def test_where_no_code_may_be_run_the_engine_compiles_by_itself(builds, monkeypatch):
    def refused(code):
        raise OSError("this host runs no code that is made here")

    monkeypatch.setattr(image, "laid", refused)
    monkeypatch.setattr(loading, "_compiled_here", lambda: {"mix": print})
    with capture_logs() as told:
        assert loading.kernels() == {"mix": print}
    assert [(line["event"], line["reason"]) for line in told] == [
        ("kernels_not_loaded", "this host runs no code that is made here")
    ]


def test_a_build_that_fails_is_told_in_its_last_words(builds, monkeypatch):
    def failing(path):
        raise subprocess.CalledProcessError(1, "build", stderr="Traceback …\nNotLinked: it needs puts\n")

    monkeypatch.setattr(loading, "_build", failing)
    monkeypatch.setattr(loading, "_compiled_here", lambda: {"mix": print})
    with capture_logs() as told:
        assert loading.kernels() == {"mix": print}
    assert [line["reason"] for line in told] == ["NotLinked: it needs puts"]


def run(program, **environment):
    kept = {name: value for name, value in os.environ.items() if name != "NUMBA_CACHE_DIR"}
    return subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env=kept | environment, check=True
    )


def test_a_process_that_renders_has_no_compiler_in_it():
    program = (
        "import sys, workers.cpu_render.render\n"
        "print(sorted({'numba', 'llvmlite', 'scipy'} & {name.partition('.')[0] for name in sys.modules}))"
    )
    assert run(program).stdout == "[]\n"


@pytest.mark.slow
def test_kernels_load_where_nothing_lasting_can_be_written(tmp_path):
    """Really compiled, in a folder that is gone afterwards."""
    (tmp_path / "file").write_text("in the way of every folder")
    program = (
        "import sys\n"
        "from workers.cpu_render.machine_code import place\n"
        "place.is_writable = lambda folder: False\n"
        "import numpy as np\n"
        "from workers.cpu_render.kernels import transpose\n"
        "source, out = np.arange(64, dtype=np.uint8).reshape(8, 8), np.zeros((8, 8), np.uint8)\n"
        "transpose(source, out)\n"
        "print((out == source.T).all(), 'numba' in sys.modules)"
    )
    done = run(program, FARM_HOME=str(tmp_path / "file"), TMPDIR=str(tmp_path))
    assert done.stdout == "True False\n"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.slow
def test_on_another_kind_of_machine_numba_does_it_in_the_engine():
    program = (
        "import sys\n"
        "from workers.cpu_render.machine_code import image\n"
        "image.is_supported = lambda: False\n"
        "import numpy as np\n"
        "from workers.cpu_render.kernels import mix\n"
        "before, after, out = (np.full((3, 5), value, np.uint8) for value in (10, 30, 0))\n"
        "mix(before, after, out, 32, 96, 16)\n"
        "print((out == 25).all(), 'numba' in sys.modules)"
    )
    assert run(program).stdout == "True True\n"
