import zipfile
from email.parser import Parser

import pytest

from tests.lowest import lowest_versions, runtime_requirements
from tests.wheel import PROJECT, build_wheel


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    with zipfile.ZipFile(build_wheel(tmp_path_factory.mktemp("wheel"))) as opened:
        yield opened


def test_wheel_has_the_app_and_nothing_else(wheel):
    outside = {name.split("/")[0] for name in wheel.namelist()}
    assert {name for name in outside if not name.endswith(".dist-info")} == {"actorqueues"}


def test_wheel_has_every_file_of_the_app(wheel):
    app = PROJECT / "actorqueues"
    ours = {
        str(path.relative_to(PROJECT))
        for path in app.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert ours <= set(wheel.namelist())
    assert {"actorqueues/py.typed", "actorqueues/migrations/__init__.py"} <= ours


def test_metadata_tells_licence_and_readme(wheel):
    (path,) = (name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
    metadata = Parser().parsestr(wheel.read(path).decode())
    assert metadata["License-Expression"] == "BSD-3-Clause"
    assert metadata["License-File"] == "LICENSE"
    assert metadata["Requires-Python"] == ">=3.11"
    assert "## A first actor" in metadata.get_payload()


def test_every_dependency_of_the_app_and_its_extras_has_a_lower_bound():
    assert len(lowest_versions()) == len(runtime_requirements())
    names = {version.partition("==")[0] for version in lowest_versions()}
    assert {"django", "psycopg", "httpx", "cbor2"} <= names
    assert not {"pytest", "ruff"} & names
