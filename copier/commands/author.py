"""For who writes a config: `copier init` and `copier schema`."""

import json
from pathlib import Path

from copier.commands.exits import FAILED, FINE, WRONG_INPUT, say
from copier.config.schema import config_schema

STARTER = Path(__file__).parent.parent / "starter.toml"


def init(file: Path = Path("copier.toml"), /) -> int:
    """Write a commented config to start from to FILE; a file that exists is left alone."""
    try:
        with file.open("x", encoding="utf-8") as made:
            made.write(STARTER.read_text(encoding="utf-8"))
    except FileExistsError:
        say(f"{file}: expected no such file yet, found one; it is left as it is")
        return WRONG_INPUT
    except OSError as error:
        say(f"{file}: cannot be written: {error.strerror}")
        return FAILED
    print(f"{file} is written; next: copier check {file}, copier test {file}")
    return FINE


def schema() -> int:
    """Print the JSON Schema of the config, for editors that complete and check it."""
    print(json.dumps(config_schema(), indent=1))
    return FINE
