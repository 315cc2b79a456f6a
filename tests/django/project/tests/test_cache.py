"""The table of Django's database cache: entries that have expired go, the others stay readable through the cache."""

from django.core.cache import caches
from django.test import TransactionTestCase, override_settings

from tests.test_sessions import raw_clear_sessions, run


class CacheTests:
    def setUp(self):
        self.cache = caches["database"]
        self.cache.clear()
        self.cache.set("kept-for-ever", "a", timeout=None)
        self.cache.set("kept-for-an-hour", "b", timeout=3600)
        self.cache.set("kept-by-default", "c")
        self.cache.set("expired-a-minute-ago", "d", timeout=-60)
        self.cache.set("expired-a-week-ago", "e", timeout=-7 * 24 * 3600)

    def test_expired_entries_are_gone_and_counted(self):
        self.assertEqual(raw_clear_sessions("shop_cache"), 2)
        keys = {key for (key,) in run("SELECT cache_key FROM shop_cache")}
        self.assertEqual(keys, {":1:kept-for-ever", ":1:kept-for-an-hour", ":1:kept-by-default"})

    def test_live_entries_can_be_read(self):
        raw_clear_sessions("shop_cache")
        self.assertEqual(self.cache.get("kept-for-ever"), "a")
        self.assertEqual(self.cache.get("kept-for-an-hour"), "b")
        self.assertEqual(self.cache.get("kept-by-default"), "c")


class DatabaseCache(CacheTests, TransactionTestCase):
    pass


@override_settings(USE_TZ=False)
class DatabaseCacheWithoutTimeZones(CacheTests, TransactionTestCase):
    pass
