# SPDX-License-Identifier: Apache-2.0
import pytest


@pytest.fixture(scope="module")
def factory():
    """One factory for all tests of a file: each uses devices and orders of its own."""
    from line import running_factory
    made = running_factory()
    yield made
    made.close()
