import ast
import importlib
import inspect
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
DOCUMENTS = [
    *ROOT.glob("*.md"),
    *(
        path
        for room in ("pong_agent", "scripts", ".github")
        for path in (ROOT / room).rglob("*.md")
    ),
]
DOORS = ["pong_agent", "pong_agent.evaluation", "pong_agent.recording", "pong_agent.envs"]


def public():
    """Every public class and function, by its dotted name."""
    for door in DOORS:
        module = importlib.import_module(door)
        for name in module.__all__:
            thing = getattr(module, name)
            if inspect.isclass(thing) or inspect.isfunction(thing):
                yield pytest.param(thing, id=f"{door}.{name}")


def methods(thing):
    """A class's own public methods and properties."""
    for name, member in vars(thing).items():
        member = getattr(member, "__func__", getattr(member, "fget", member))
        if inspect.isfunction(member) and not name.startswith("_"):
            yield name, member


@pytest.mark.parametrize("thing", list(public()))
def test_what_is_public_is_documented(thing):
    """It has a docstring that tells its arguments; what can be called has an example."""
    text = inspect.getdoc(thing)
    assert text
    if inspect.isclass(thing):
        for name, method in methods(thing):
            assert inspect.getdoc(method), name
        if issubclass(thing, Exception) or thing.__name__ in ("EvaluationResult", "Trajectory"):
            return  # raised, or returned by others, not made by users
    else:
        assert "Args:" in text
        assert "Returns:" in text
        assert "Raises:" in text
    assert ">>> " in text


def test_the_documents_import_public_names_alone():
    """Whatever their Python blocks import of the package is in one of four short lists."""
    imported = []
    for document in DOCUMENTS:
        text = document.read_text()
        for block in re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
            for node in ast.walk(ast.parse(block)):
                if isinstance(node, ast.ImportFrom) and node.module.startswith("pong_agent"):
                    assert node.module in DOORS
                    imported += [(node.module, alias.name) for alias in node.names]
    assert len(imported) > 10
    for module, name in imported:
        assert name in importlib.import_module(module).__all__, (module, name)
