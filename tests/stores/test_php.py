"""Libraries of PHP, as Debian has them."""

import os
import shutil
import unittest

from case import HERE, stores

Stores = stores(["php", os.path.join(HERE, "php", "main.php")], [
    ("symfony/sessions", "Symfony PdoSessionHandler", "sessions"),
    ("symfony/locks", "Symfony locks", "lock_keys"),
    ("symfony/cache", None, "cache_items",
     "expires => 'item_time + item_lifetime::bigint', unit => 'seconds', keep => '0'"),
    ("laravel/sessions", "Laravel sessions", "sessions", "keep => '2 days'"),
    ("laravel/cache", "Laravel cache", "cache"),
    ("laravel/locks", "Laravel cache locks", "cache_locks"),
])
# Not in every release of Debian.
INSTALLED = shutil.which("php") and os.path.exists("/usr/share/php/Illuminate") and os.path.exists("/usr/share/php/Symfony")
Stores = unittest.skipUnless(INSTALLED, "PHP's libraries are not packages here")(Stores)
