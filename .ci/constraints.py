"""Write constraints.txt: the whole closure of a fresh environment, for every machine.

Local version suffixes (``+cpu``) are cut, so that the same pin brings the CUDA build where there
is one; ``nvidia-*`` and ``triton`` come and go with it and are left out.
"""

import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SKIPPED = ("nvidia-", "triton", "cuda-", "litscale", "pip", "setuptools")
HEADER = "# Written by `make constraints` from a fresh environment; do not edit.\n"


def main() -> None:
    """Install everything into a new environment and freeze it."""
    with tempfile.TemporaryDirectory() as folder:
        venv.create(folder, with_pip=True)
        python = str(Path(folder) / "bin" / "python")
        subprocess.run([python, "-m", "pip", "install", "--quiet", f"{ROOT}[dev]", *sys.argv[1:]], check=True)
        frozen = subprocess.run(
            [python, "-m", "pip", "freeze", "--all"], check=True, capture_output=True, text=True
        ).stdout
    pins = []
    for line in frozen.splitlines():
        name, separator, version = line.partition("==")
        if separator and not name.lower().startswith(SKIPPED):
            pins.append(f"{name}=={version.split('+')[0]}")
    (ROOT / "constraints.txt").write_text(HEADER + "\n".join(pins) + "\n", "utf-8")


if __name__ == "__main__":
    main()
