"""How the blocks of a page are found and run."""

from pathlib import Path

import pytest

from actorqueues.definitions.registry import registry
from tests.docs.pages import PROJECT, Snippet, page_module, snippets

PAGE = """# Title

```python
first = 1
```

<!-- not run: needs a server -->

```python
second = connect()
```

```console
$ not python
```

```python title="a.py"
import asyncio
await asyncio.sleep(0)
third = first + 2
```
"""


@pytest.fixture
def page(tmp_path):
    path = tmp_path / "page.md"
    path.write_text(PAGE)
    return path


def test_finds_python_blocks_with_their_lines_and_reasons(page):
    found = [(snippet.line, snippet.not_run) for snippet in snippets(page)]
    assert found == [(4, None), (10, "needs a server"), (18, None)]


def test_blocks_of_a_page_share_names_and_may_await(page):
    namespace = {}
    for snippet in snippets(page):
        if snippet.not_run is None:
            snippet.run(namespace)
    assert namespace["third"] == 3


def test_errors_name_the_line_of_the_page(page):
    with pytest.raises(NameError) as caught:
        snippets(page)[1].run({})
    assert (caught.traceback[-1].path, caught.traceback[-1].lineno + 1) == (page, 10)


def test_actors_of_a_page_are_forgotten():
    known = set(registry.all())
    with page_module(PROJECT / "README.md") as module:
        code = "from actorqueues import Actor\nclass PageActor(Actor): pass\n"
        Snippet(Path("page.md"), 1, code, None).run(vars(module))
        assert module.PageActor in registry.all()
    assert set(registry.all()) == known
