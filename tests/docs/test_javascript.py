"""Every JavaScript block of the documentation is one. tests/consumers/test_chromium_docs.py runs those for browsers."""

import re
import shutil
import subprocess

import pytest

from tests.docs.pages import PROJECT, pages

BLOCK = re.compile(r"^```(js|javascript|html)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
SCRIPT = re.compile(r"<script(?: [^>]*)?>(.*?)</script>", re.DOTALL)


def scripts():
    """``(page and line, JavaScript)``"""
    for page in pages():
        text = page.read_text()
        for block in BLOCK.finditer(text):
            place = f"{page.relative_to(PROJECT)}:{text.count(chr(10), 0, block.start()) + 1}"
            found = SCRIPT.findall(block[2]) if block[1] == "html" else [block[2]]
            yield from ((place, script) for script in found)


@pytest.mark.parametrize("script", [pytest.param(script, id=place) for place, script in scripts()])
def test_every_block_is_javascript(script, tmp_path):
    node = shutil.which("node")
    if node is None:
        pytest.skip("there is no node here")
    file = tmp_path / "block.mjs"
    file.write_text(script)
    done = subprocess.run([node, "--check", file], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
