"""For all tests."""

import gc

import pytest

# Ten seconds or more each: first those in which much is waited for, then as long as they take.
LONG = (
    "test_dashboards.py",
    "test_notebook.py",
    "test_circle.py",
    "test_command_line.py",
    "test_matrix.py",
    "test_fit_on_dask.py",
    "test_score_on_dask.py",
    "test_evaluate.py",
    "test_http.py",
    "test_ledger_in_browser.py",
    "test_journal_ship.py",
    "test_learner.py",
    "test_compile.py",
    "test_operations.py",
    "test_rewrite.py",
)
ORDER = {name: place for place, name in enumerate(LONG)}


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begins with what takes longest: else it would be left for one worker at the end."""
    items.sort(key=lambda item: ORDER.get(item.path.name, len(LONG)))


def pytest_collection_finish() -> None:
    """Takes what was imported and collected out of every later search for garbage."""
    gc.collect()
    gc.freeze()
