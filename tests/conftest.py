pytest_plugins = [
    "tests.fixtures.strictness",
    "tests.fixtures.repeating",
    "tests.fixtures.once",
    "tests.fixtures.servers",
    "tests.fixtures.pgbouncer",
    "tests.fixtures.backends",
    "tests.fixtures.processes",
    "tests.fixtures.proxy",
    "tests.fixtures.actors",
    "tests.fixtures.neighbours",
    "tests.fixtures.workers",
    "tests.fixtures.chromium",
]
