"""Make a virtual environment with pip in it, also where the system's Python came without `ensurepip`."""

import importlib.util
import subprocess
import sys
from pathlib import Path

VERSION_MIN = (3, 11)


def main(folder: Path) -> int:
    if sys.version_info < VERSION_MIN:
        found = ".".join(map(str, sys.version_info[:3]))
        print(f"needs Python {'.'.join(map(str, VERSION_MIN))} or later, found {found}", file=sys.stderr)
        print("name another one by `make PYTHON=python3.12 ...`", file=sys.stderr)
        return 1
    if importlib.util.find_spec("ensurepip") is not None:
        return subprocess.call([sys.executable, "-m", "venv", str(folder)])
    # Debian ships venv and ensurepip apart from Python; its pip, if there is one, can serve the environment.
    if importlib.util.find_spec("pip") is None:
        print("this Python has neither ensurepip nor pip: install your system's python3-venv", file=sys.stderr)
        return 1
    made = subprocess.call([sys.executable, "-m", "venv", "--without-pip", str(folder)])
    python = folder / "bin" / "python"
    return made or subprocess.call([sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "pip"])


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
