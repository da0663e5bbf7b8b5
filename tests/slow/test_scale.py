"""100,000 records and a kill at a random moment: slow, run by make test-slow."""

import json
import os
import random
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

from review.workspace import Workspace

pytestmark = pytest.mark.slow

PROTOCOL = '[review]\ntitle = "Large"\n[[import]]\nfile = "large.ris"\nsource = "Embase"\n'


def large(path: Path, n: int) -> None:
    rng = random.Random(1)
    words = [f"word{k}" for k in range(4000)]
    with path.open("w") as out:
        for number in range(n):
            title = " ".join(rng.choices(words, k=10))
            abstract = " ".join(rng.choices(words, k=120))
            out.write(
                f"TY  - JOUR\nAN  - L{number}\nTI  - {title}\nAU  - Family{number % 5000}, A\n"
                f"PY  - {1990 + number % 35}\nJO  - Journal {number % 90}\nVL  - {number % 60}\n"
                f"SP  - {number % 900}\nAB  - {abstract}\nER  - \n\n"
            )


def review(*arguments: str) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-c", "from review.cli.main import main; main()", *arguments]
    return subprocess.run(line, capture_output=True, text=True, check=False)


def test_a_hundred_thousand_records(tmp_path: Path) -> None:
    root = Workspace.create(tmp_path / "w", PROTOCOL).root
    large(root / "large.ris", 100_000)
    told = review("import", str(root / "large.ris"), "--source", "Embase", "-w", str(root), "--json")
    assert told.returncode == 0, told.stderr
    assert json.loads(told.stdout)["done"][0]["delivered"] == 100_000
    told = review("dedupe", "-w", str(root), "--json")
    assert told.returncode == 0, told.stderr
    flow = json.loads(review("flow", "-w", str(root), "--json").stdout)
    assert flow["databases"]["records"] == 100_000
    assert flow["open"]["awaiting screening"] == flow["databases"]["reports"]


def test_killed_at_any_moment_a_run_ends_as_if_it_had_not_been(tmp_path: Path) -> None:
    rng = random.Random(2)
    whole = Workspace.create(tmp_path / "whole", PROTOCOL).root
    large(whole / "large.ris", 4_000)
    assert review("run", "-w", str(whole)).returncode == 0
    broken = Workspace.create(tmp_path / "broken", PROTOCOL).root
    os.link(whole / "large.ris", broken / "large.ris")
    for _ in range(8):
        line = [sys.executable, "-c", "from review.cli.main import main; main()", "run", "-w", str(broken)]
        with subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as child:
            time.sleep(rng.uniform(0.5, 6.0))
            child.send_signal(signal.SIGKILL)
    assert review("run", "-w", str(broken)).returncode == 0
    one, other = Workspace(whole), Workspace(broken)
    assert one.corpus.records().equals(other.corpus.records())
    assert [len(other.parts(kind)) for kind in ("records", "links", "labels")] == [1, 1, 1]
    for name in ("prisma-flow.csv", "records-per-year.csv", "task-by-family.csv"):
        assert (whole / "figures" / name).read_bytes() == (broken / "figures" / name).read_bytes()


def test_the_wheel_answers_help_in_a_bare_environment(tmp_path: Path) -> None:
    root = Path(__file__).resolve().parents[2]
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path), str(root)]
    subprocess.run(build, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    subprocess.run([sys.executable, "-m", "venv", str(tmp_path / "bare")], check=True)
    python = tmp_path / "bare" / "bin" / "python"
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "--no-deps", str(wheel)], check=True)
    # The command line needs typer and nothing else to answer.
    subprocess.run([*pip, "-c", str(root / "constraints.txt"), "typer"], check=True)
    told = subprocess.run(
        [str(tmp_path / "bare" / "bin" / "review"), "--help"], capture_output=True, text=True, check=True
    )
    assert "harvest" in told.stdout
    held = set(zipfile.ZipFile(wheel).namelist())
    assert held >= {
        "classifiers/codebooks/nlp-medicine.toml",
        "classifiers/codebooks/nlp-medicine.keywords.toml",
        "review/templates/scoping.toml",
        "dashboards/app.py",
    }
    assert not any(name.startswith("tests/") for name in held)
