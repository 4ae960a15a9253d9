"""Fixtures of the cache tests."""

from tests.data.cache_fixtures import byte_setting, clean_gin, setting

__all__ = ["byte_setting", "clean_gin", "setting"]
