"""For all tests."""

import pytest

# Half a minute or more each, in part of which they wait.
LONG = ("test_dashboards.py", "test_notebook.py", "test_circle.py", "test_matrix.py")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begins with what takes longest: else it would be left for one worker at the end."""
    items.sort(key=lambda item: item.path.name not in LONG)
