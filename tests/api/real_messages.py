"""Hooks for schemathesis: half of the messages that it makes up are ones that are there."""

import json
import os
import re
from pathlib import Path

import schemathesis
from hypothesis import Phase, settings

PLACE = "AQ_REAL_MESSAGES"  # a file: [[key, id], …]
MADE_UP = re.compile(r"[0-9a-f]{32}")


@schemathesis.hook
def map_path_parameters(context, path_parameters):
    made_up = str((path_parameters or {}).get("id", ""))
    if MADE_UP.fullmatch(made_up) and (number := int(made_up[-4:], 16)) % 2:
        messages = json.loads(Path(os.environ[PLACE]).read_text())
        key, found = messages[number // 2 % len(messages)]
        path_parameters |= {"key": key, "id": found}
    return path_parameters


settings.register_profile("short", phases=[Phase.explicit, Phase.generate], database=None)
settings.load_profile("short")
