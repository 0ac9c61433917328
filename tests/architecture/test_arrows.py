"""The house's arrows, read from the code's own imports, and what the light processes must not load."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HEAVY = ("av", "cv2", "numba", "numpy", "PIL", "torch", "faster_whisper", "diffusers", "boto3")

# package or module → what it may import of the farm's own packages (prefixes; its own package always).
NOUNS = (
    "farm.account",
    "farm.asset",
    "farm.audio_length",
    "farm.batch",
    "farm.breaker",
    "farm.catalog",
    "farm.chat",
    "farm.choices",
    "farm.clock",
    "farm.config_errors",
    "farm.config_files",
    "farm.diffusing",
    "farm.encoders",
    "farm.errors",
    "farm.generation",
    "farm.generation_limits",
    "farm.generations",
    "farm.ids",
    "farm.job",
    "farm.kinds",
    "farm.logs",
    "farm.media_types",
    "farm.model_book",
    "farm.model_check",
    "farm.model_files",
    "farm.model_sources",
    "farm.models",
    "farm.moderation",
    "farm.money",
    "farm.noun",
    "farm.offers",
    "farm.otio",
    "farm.parent",
    "farm.ports",
    "farm.preview",
    "farm.provider_facts",
    "farm.providers",
    "farm.remote_model",
    "farm.rules",
    "farm.secrets",
    "farm.settings",
    "farm.sleep",
    "farm.sniffing",
    "farm.states",
    "farm.timeline",
    "farm.validation",
    "farm.voice",
    "farm.webhook",
)
ALLOWED = {
    "farm.store": NOUNS,
    "farm.blobs": NOUNS,
    "farm.broker": NOUNS,
    "farm.net": NOUNS,
    "farm.metrics": (*NOUNS, "farm.doors", "farm.store"),
    "farm.tracing": (*NOUNS, "farm.doors", "farm.store"),
    "farm.doors": (*NOUNS, "farm.store", "farm.blobs", "farm.broker", "farm.net"),
    "farm.api": (*NOUNS, "farm.doors", "farm.blobs", "tasks"),
    "farm.api.surfaces": (*NOUNS, "farm.api", "tasks", "farm.doors"),
    "farm.cli": (*NOUNS, "farm.doors", "farm.blobs", "farm.broker", "farm.api", "tasks"),
    "tasks": NOUNS,
    "workers": (*NOUNS, "farm.doors", "farm.blobs", "farm.broker", "farm.net", "tasks"),
    "schedulers": ("farm",),
}
POOLS = ("cpu_render", "gpu_generate", "asr_align", "vision_describe")
OURS = ("farm", "tasks", "workers", "schedulers")
# `farm scheduler`, `farm worker` and `farm retention` become that role, imported inside their own command.
STARTS_A_ROLE = {
    ("farm.cli.roles", "schedulers.loop"),
    ("farm.cli.roles", "workers.main"),
    ("farm.cli.retention", "schedulers.retention.rounds"),
}


def modules() -> Iterator[tuple[str, Path]]:
    for package in OURS:
        for path in sorted((ROOT / package).rglob("*.py")):
            name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
            yield name, path


def imports(path: Path) -> Iterator[tuple[str, int]]:
    """Every module the file imports, with the line; `from a import b` is a.b where that is a module."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            yield from ((_meant(node.module, alias.name), node.lineno) for alias in node.names)


def _meant(package: str, name: str) -> str:
    inner = ROOT / Path(*package.split("."), name)
    return f"{package}.{name}" if inner.with_suffix(".py").is_file() or inner.is_dir() else package


def within(module: str, prefixes: tuple[str, ...]) -> bool:
    return any(module == prefix or module.startswith(prefix + ".") for prefix in prefixes)


def owner(module: str) -> str | None:
    """The most particular rule that covers a module."""
    covering = [name for name in ALLOWED if within(module, (name,))]
    return max(covering, key=len, default=None)


@pytest.mark.parametrize("rule", ALLOWED)
def test_a_package_imports_only_what_its_floor_may(rule: str) -> None:
    wrong = []
    for module, path in modules():
        if owner(module) != rule:
            continue
        for target, line in imports(path):
            ours = within(target, OURS) and target != "farm"  # `farm` alone is the version
            if not ours or within(target, (rule, *ALLOWED[rule])) or (module, target) in STARTS_A_ROLE:
                continue
            wrong.append(f"{module}:{line} imports {target}")
    assert wrong == []


def test_nouns_import_only_nouns() -> None:
    wrong = [
        f"{module} imports {target}"
        for module, path in modules()
        if within(module, NOUNS)
        for target, _line in imports(path)
        if within(target, OURS) and target != "farm" and not within(target, NOUNS)
    ]
    assert wrong == []


def test_workers_never_import_the_store() -> None:
    wrong = [
        f"{module} imports {target}"
        for module, path in modules()
        if within(module, ("workers",))
        for target, _line in imports(path)
        if within(target, ("farm.store", "sqlalchemy"))
    ]
    assert wrong == []


def test_pools_never_import_each_other() -> None:
    wrong = []
    for pool in POOLS:
        others = tuple(f"workers.{other}" for other in POOLS if other != pool)
        wrong += [
            f"{module} imports {target}"
            for module, path in modules()
            if within(module, (f"workers.{pool}",))
            for target, _line in imports(path)
            if within(target, others)
        ]
    assert wrong == []


def test_only_the_broker_imports_celery_and_kombu() -> None:
    wrong = [
        f"{module} imports {target}"
        for module, path in modules()
        if not within(module, ("farm.broker", "workers.main"))
        for target, _line in imports(path)
        if within(target, ("celery", "kombu"))
    ]
    assert wrong == []


def test_surfaces_touch_no_store_broker_or_engine() -> None:
    wrong = [
        f"{module} imports {target}"
        for module, path in modules()
        if within(module, ("farm.api.surfaces",))
        for target, _line in imports(path)
        if within(target, ("farm.store", "farm.broker", "workers", "schedulers", "sqlalchemy"))
    ]
    assert wrong == []


WHOLE_COMMAND = "farm.cli.main; farm.cli.main.farm_app()"  # which imports every group


@pytest.mark.parametrize(
    "module", ["farm.api.app", "farm.api.serve", "schedulers.loop", WHOLE_COMMAND, "tasks.media_render"]
)
def test_light_processes_load_nothing_heavy(module: str) -> None:
    code = f"import sys, {module}; print([m for m in {HEAVY!r} if m in sys.modules])"
    seen = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert seen.stdout.strip() == "[]"


def test_the_scheduler_loads_no_worker_and_no_surface() -> None:
    code = (
        "import sys, schedulers.loop; print([m for m in sys.modules if m.startswith(('workers', 'fastapi'))])"
    )
    seen = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert seen.stdout.strip() == "[]"


def test_there_is_no_import_circle() -> None:
    known = dict(modules())
    arrows = {
        name: {target for target, _line in imports(path) if target in known and target != name}
        for name, path in known.items()
    }
    done: set[str] = set()

    def visit(name: str, trail: tuple[str, ...]) -> None:
        assert name not in trail, " → ".join([*trail[trail.index(name) :], name])
        if name in done:
            return
        for target in sorted(arrows[name]):
            visit(target, (*trail, name))
        done.add(name)

    for name in sorted(arrows):
        visit(name, ())
