"""The tests that the page on testing shows are run, too."""

import unittest

from tests.docs.pages import PROJECT, page_module, snippets

PAGE = PROJECT / "docs" / "how-to" / "testing.md"


def test_the_tests_of_the_page_pass(django_db_setup, django_db_blocker):
    with page_module(PAGE) as module, django_db_blocker.unblock():
        for snippet in snippets(PAGE):
            snippet.run(vars(module))
        cases = [unittest.defaultTestLoader.loadTestsFromTestCase(one) for one in cases_of(module)]
        functions = [
            in_testcase(module, one) for name, one in vars(module).items() if name.startswith("test_")
        ]
        suite = unittest.TestSuite([*cases, *functions])
        count, result = suite.countTestCases(), unittest.TestResult()
        suite.run(result)
    assert not [text for _, text in result.errors + result.failures]
    assert result.testsRun == count >= 6


def cases_of(module):
    return [one for name, one in vars(module).items() if name.endswith("AccountTest")]


def in_testcase(module, function):
    class Case(module.ActorTestMixin, module.TestCase):
        def test(self):
            function(self.actors)

    return Case("test")
