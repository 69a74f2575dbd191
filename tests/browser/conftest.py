from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.browser.browser import browser
from tests.browser.installation import Listening, listening


@pytest.fixture(scope="module")
def socialnlp(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Listening]:
    """An installation of its own, with its UI in a browser."""
    folder = tmp_path_factory.mktemp("installation")
    with browser(tmp_path_factory.mktemp("profile")) as page, listening(folder, page) as found:
        yield found
