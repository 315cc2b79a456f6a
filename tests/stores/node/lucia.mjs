// Lucia 3 with its adapter for PostgreSQL. The tables are those of its documentation.
import { NodePostgresAdapter } from "@lucia-auth/adapter-postgresql";
import { Lucia, TimeSpan } from "lucia";
import { pool } from "./connect.mjs";

export const stores = {
    "lucia-3": async () => {
        const db = pool();
        await db.query(`CREATE TABLE auth_user (id text PRIMARY KEY);
            CREATE TABLE user_session (id text PRIMARY KEY, expires_at timestamptz NOT NULL,
                user_id text NOT NULL REFERENCES auth_user (id));
            INSERT INTO auth_user VALUES ('a')`);
        const adapter = new NodePostgresAdapter(db, { user: "auth_user", session: "user_session" });
        const lucia = lifetime => new Lucia(adapter, { sessionExpiresIn: new TimeSpan(lifetime, "ms") });
        return {
            write: async (sessionId, expires) => { await lucia(expires - Date.now()).createSession("a", {}, { sessionId }); },
            // Not by validateSession, which would itself delete what has expired.
            load: async id => (await adapter.getSessionAndUser(id))[0]?.id === id,
        };
    },
};
