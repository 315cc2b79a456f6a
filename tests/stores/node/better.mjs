// better-auth, which makes its tables itself: with its own names, and with those of a database in snake_case.
import { betterAuth } from "better-auth";
import { getMigrations } from "better-auth/db/migration";
import { pool } from "./connect.mjs";

async function store(options) {
    const config = { database: pool(), secret: "0123456789abcdef0123456789abcdef", baseURL: "http://localhost",
        emailAndPassword: { enabled: true }, ...options };
    await (await getMigrations(config)).runMigrations();
    const { internalAdapter } = await betterAuth(config).$context;
    const owner = await internalAdapter.createUser({ name: "A", email: "a@example.com", emailVerified: true });
    return {
        write: async (token, expiresAt) => { await internalAdapter.createSession(owner.id, false, { token, expiresAt }, true); },
        load: async token => (await internalAdapter.findSession(token))?.session.token === token,
    };
}

const snake = names => Object.fromEntries(names.map(name => [name, name.replace(/[A-Z]/g, letter => "_" + letter.toLowerCase())]));
export const stores = {
    "better-auth": () => store({}),
    "snake-case": () => store({
        session: { modelName: "sessions", fields: snake(["userId", "expiresAt", "createdAt", "updatedAt", "ipAddress", "userAgent"]) },
    }),
};
