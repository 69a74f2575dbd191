from tests.mart.conftest import world

__all__ = ["world"]
