"""The provider's own source, as the rules read it: modules, syntax trees, classes. The emulator is no part of it."""

from __future__ import annotations

import ast
import importlib
import inspect
from functools import cache
from pathlib import Path
from typing import Any

import airflow_provider_ittybit

PACKAGE = Path(airflow_provider_ittybit.__file__).parent
NAME = "airflow_provider_ittybit"


def paths(folder: str = "") -> list[Path]:
    """Return all modules of the provider, or of one of its folders."""
    found = sorted((PACKAGE / folder).rglob("*.py"))
    return [path for path in found if "emulator" not in path.relative_to(PACKAGE).parts]


def shown(path: Path) -> str:
    """Return a module's path inside the package."""
    return str(path.relative_to(PACKAGE))


@cache
def tree(path: Path) -> ast.Module:
    """Return a module's syntax tree."""
    return ast.parse(path.read_text(), str(path))


def module_name(path: Path) -> str:
    """Return the name under which a module is imported."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join([NAME, *(part for part in parts if part != "__init__")])


def classes(folder: str) -> list[type[Any]]:
    """Return the classes that the modules of a folder define."""
    found = []
    for path in paths(folder):
        module = importlib.import_module(module_name(path))
        found += [
            thing for thing in vars(module).values() if inspect.isclass(thing) and thing.__module__ == module.__name__
        ]
    return found


def own_bases(cls: type[Any]) -> list[type[Any]]:
    """Return a class and those of its bases that are ours."""
    return [base for base in cls.__mro__ if base.__module__.startswith(NAME)]


def init_of(cls: type[Any]) -> ast.FunctionDef | None:
    """Return the syntax tree of a class's own ``__init__``."""
    source = Path(inspect.getfile(cls))
    for node in ast.walk(tree(source)):
        if isinstance(node, ast.ClassDef) and node.name == cls.__name__:
            return next((n for n in node.body if isinstance(n, ast.FunctionDef) and n.name == "__init__"), None)
    return None


def calls(node: ast.AST, name: str) -> list[ast.Call]:
    """Return the calls of a function or class by its name."""
    return [
        call
        for call in ast.walk(node)
        if isinstance(call, ast.Call) and name in (getattr(call.func, "id", None), getattr(call.func, "attr", None))
    ]
