"""Checks of Python, the required packages and the extras, from the installed metadata."""

import platform
import sys
from importlib import metadata

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from pong_agent.doctor.check import Check

_PACKAGE = "pong-agent"
_FOR_DEVELOPERS = {"dev", "test"}
_SHOWN = ("numpy", "gymnasium", "ale-py", "ray")  # whose versions matter in a bug report


def check_python(required: str | None = None) -> Check:
    """Check Python's version; `required`, such as ">=3.11", is by default the package's own."""
    version = platform.python_version()
    if required is None:
        try:
            required = metadata.metadata(_PACKAGE)["Requires-Python"]
        except metadata.PackageNotFoundError:
            required = ""  # `check_packages` reports that
    found = f"{version} at {sys.executable}"
    if SpecifierSet(required).contains(version, prereleases=True):
        return Check("Python", "ok", found)
    remedy = f"install a Python {required} and use it"
    return Check("Python", "FAIL", f"{found}, expected {required}", remedy)


def check_packages() -> Check:
    """Check that every required package is installed, in an accepted version."""
    name = "packages"
    try:
        unmet, n_required = _unmet(_PACKAGE), len(_requirements(_PACKAGE))
    except metadata.PackageNotFoundError:
        found = f"{_PACKAGE} is not installed in this Python, so versions cannot be compared"
        return Check(name, "warn", found, "pip install -e . in the folder of its pyproject.toml")
    if unmet:
        return Check(name, "FAIL", "; ".join(unmet), f"pip install --upgrade {_PACKAGE}")
    versions = ", ".join(f"{one} {metadata.version(one)}" for one in (_PACKAGE, *_SHOWN))
    return Check(name, "ok", f"{n_required} installed as required: {versions}")


def check_extras() -> Check:
    """Report which extras are installed; all of them are optional."""
    try:
        extras = metadata.metadata(_PACKAGE).get_all("Provides-Extra") or []
    except metadata.PackageNotFoundError:
        return Check("extras", "warn", f"unknown: {_PACKAGE} is not installed in this Python")
    unmet = {extra: _unmet(_PACKAGE, extra) for extra in sorted(set(extras) - _FOR_DEVELOPERS)}
    installed = ", ".join(extra for extra, reasons in unmet.items() if not reasons) or "none"
    missing = {extra: _short(reasons) for extra, reasons in unmet.items() if reasons}
    if not missing:
        return Check("extras", "ok", f"installed: {installed}")
    found = ", ".join(f"{extra} ({reasons})" for extra, reasons in missing.items())
    remedy = f"to use them, pip install '{_PACKAGE}[{','.join(missing)}]'"
    return Check("extras", "ok", f"installed: {installed}; not installed: {found}", remedy)


def _short(reasons: list[str]) -> str:
    more = f", and {len(reasons) - 2} more" if len(reasons) > 2 else ""
    return ", ".join(reasons[:2]) + more


def _requirements(distribution: str, extra: str = "") -> list[Requirement]:
    """Return a distribution's requirements on this system; with an extra, only the added ones."""
    every = [Requirement(line) for line in metadata.requires(distribution) or []]

    def wanted(extra: str) -> list[Requirement]:
        return [one for one in every if not one.marker or one.marker.evaluate({"extra": extra})]

    return [one for one in wanted(extra) if not extra or one not in wanted("")]


def _unmet(distribution: str, extra: str = "") -> list[str]:
    """Return each unmet requirement of a distribution, including those of required extras."""
    reasons = []
    for requirement in _requirements(distribution, extra):
        try:
            version = metadata.version(requirement.name)
        except metadata.PackageNotFoundError:
            reasons.append(f"{requirement.name} missing")
            continue
        if not requirement.specifier.contains(version, prereleases=True):
            reasons.append(f"{requirement.name} {version}, expected {requirement.specifier}")
        for added in sorted(requirement.extras):
            reasons += _unmet(requirement.name, added)
    return reasons
