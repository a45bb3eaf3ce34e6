"""What `pip install .` makes."""

import configparser
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
USING_IT = """
def test_fixture_is_there(msp_emulator):
    script = msp_emulator.web.get(f"{msp_emulator.url}/phone.js", timeout=5)

    assert script.status_code == 200
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Build the package from a copy of its sources, without pip and without network."""
    copy = tmp_path_factory.mktemp("sources")
    for name in ("pyproject.toml", "requirements.txt"):
        shutil.copy(ROOT / name, copy)
    unwanted = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "msp_server", copy / "msp_server", ignore=unwanted)
    build = "import setuptools.build_meta as backend; backend.build_wheel('dist')"
    subprocess.run([sys.executable, "-c", build], cwd=copy, check=True, capture_output=True)
    (built,) = (copy / "dist").glob("*.whl")
    with zipfile.ZipFile(built) as file:
        file.extractall(copy / "installed")
    return copy / "installed"


def files_in(directory):
    return {
        str(path.relative_to(directory))
        for path in directory.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def test_package_holds_every_file_of_the_sources(wheel):
    pictures = {name for name in files_in(ROOT / "msp_server") if name.startswith("emulator/pict")}

    assert files_in(wheel / "msp_server") == files_in(ROOT / "msp_server") - pictures


def test_package_needs_what_requirements_name(wheel):
    (metadata,) = wheel.glob("*.dist-info/METADATA")
    needed = {
        line.removeprefix("Requires-Dist: ")
        for line in metadata.read_text().splitlines()
        if line.startswith("Requires-Dist: ")
    }

    lines = (ROOT / "requirements.txt").read_text().splitlines()
    named = {line.partition("#")[0].strip() for line in lines}
    assert needed == named - {""}


def test_package_names_the_plugin_of_pytest(wheel):
    (file,) = wheel.glob("*.dist-info/entry_points.txt")
    points = configparser.ConfigParser()
    points.read(file)

    assert dict(points["pytest11"]) == {"msp_emulator": "msp_server.emulator.pytest_plugin"}


def test_installed_package_gives_pytest_its_fixture(wheel, tmp_path):
    (tmp_path / "test_it.py").write_text(USING_IT)

    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_it.py"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(wheel)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert "1 passed" in ran.stdout, ran.stdout + ran.stderr
