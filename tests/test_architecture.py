import ast
import subprocess
import sys
from pathlib import Path

import pong_agent

PACKAGE = Path(pong_agent.__file__).parent

# From the ground up; a module may import from the floors below it and from its own room.
FLOORS = [
    {"actions", "errors"},
    {"json_values", "processes", "seeding", "whole_file"},
    {"bounds", "vision"},
    {"network", "config"},
    {"envs", "learning"},
    {"weights_file"},
    {"agent"},
    {"rollout"},
    {"evaluation"},
    {"recording", "training"},
    {"plots", "doctor"},
    {"matches", "report"},
    {"play"},
    {"cli"},
    {"__main__"},
]
FLOOR_OF = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}


def modules():
    return sorted(path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py")


def room_of(path):
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


def imported_rooms(path):
    """Rooms of this package that a file imports, inside functions too."""
    for node in ast.walk(ast.parse(path.read_text())):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        for name in names:
            parts = name.split(".")
            if parts[0] == "pong_agent":
                assert len(parts) > 1, f"{path}:{node.lineno} imports the package itself"
                yield parts[1], node.lineno


def test_every_module_has_a_floor():
    """Each file of the package lies in a room that the plan knows, and each room exists."""
    assert {room_of(path) for path in modules()} == set(FLOOR_OF)


def test_imports_go_down_only():
    """No module imports from a higher floor, nor from another room on its own."""
    upward = [
        f"{path.relative_to(PACKAGE)}:{line} imports {other}"
        for path in modules()
        for other, line in imported_rooms(path)
        if other != room_of(path) and FLOOR_OF[other] >= FLOOR_OF[room_of(path)]
    ]
    assert upward == []


def test_an_upward_import_would_be_seen(tmp_path):
    """The reader of imports finds every form of import, also within a function."""
    source = "def f():\n    from pong_agent.training import trainer\nimport pong_agent.cli as c\n"
    path = tmp_path / "module.py"
    path.write_text(source)
    assert sorted(imported_rooms(path)) == [("cli", 3), ("training", 2)]


def test_only_the_workers_know_ray():
    """`ray` is imported by training/ray_start.py alone."""
    importers = {
        path.relative_to(PACKAGE).as_posix()
        for path in modules()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Import) and any(alias.name == "ray" for alias in node.names)
    }
    assert importers == {"training/ray_start.py"}


def test_importing_the_package_loads_no_heavy_module():
    """A fresh interpreter's `import pong_agent` brings in NumPy and the standard library alone."""
    code = "import pong_agent, sys; print(*sorted({name.split('.')[0] for name in sys.modules}))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    with_numpy = subprocess.run(
        [sys.executable, "-c", code.replace("pong_agent", "numpy.random")],
        capture_output=True,
        text=True,
        check=True,
    )
    added = set(ran.stdout.split()) - set(with_numpy.stdout.split())
    assert {name for name in added if name not in sys.stdlib_module_names} == {"pong_agent"}
