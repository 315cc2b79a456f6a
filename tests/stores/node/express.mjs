// Stores of express-session.
import session from "express-session";
import { database, host, pool, port, sequelize, typeorm, user } from "./connect.mjs";

// A session as express-session hands it to a store: saved, and loaded by its id.
const through = store => ({
    write: (id, expires) => new Promise((done, failed) => store.set(id,
        { user: id, cookie: { expires, originalMaxAge: expires - Date.now(), maxAge: expires - Date.now() } },
        error => error ? failed(error) : done())),
    load: id => new Promise((done, failed) => store.get(id, (error, found) => error ? failed(error) : done(found?.user === id))),
});

// Each test loads no more than its own library.
export const stores = {
    "connect-pg-simple": async () => {
        const { default: connectPgSimple } = await import("connect-pg-simple");
        return through(new (connectPgSimple(session))({ pool: pool(), createTableIfMissing: true, pruneSessionInterval: false }));
    },
    "connect-session-knex": async () => {
        const { ConnectSessionKnexStore } = await import("connect-session-knex");
        const { default: knex } = await import("knex");
        const connection = { host, port, user, database };
        return through(new ConnectSessionKnexStore({ knex: knex({ client: "pg", connection }), cleanupInterval: 0 }));
    },
    "connect-session-sequelize": async () => {
        const { default: connectSessionSequelize } = await import("connect-session-sequelize");
        const store = new (connectSessionSequelize(session.Store))({ db: await sequelize(), checkExpirationInterval: -1 });
        await store.sync();
        return through(store);
    },
    "express-session-sequelize": async () => {
        const { default: expressSessionSequelize } = await import("express-session-sequelize");
        const db = await sequelize();
        const store = new (expressSessionSequelize(session.Store))({ db });
        // It makes its table meanwhile, and does not say when it has.
        const limit = Date.now() + 60000;
        while (Date.now() < limit && !await db.getQueryInterface().tableExists("Sessions"));
        return through(store);
    },
    "connect-typeorm": async () => {
        await import("reflect-metadata");
        const { DataSource, EntitySchema } = await import("typeorm");
        const { TypeormStore } = await import("connect-typeorm");
        const Session = new EntitySchema({
            name: "Session",
            columns: {
                expiredAt: { type: "bigint" },
                id: { type: "varchar", length: 255, primary: true },
                json: { type: "text" },
                destroyedAt: { type: Date, deleteDate: true, nullable: true },
            },
            indices: [{ columns: ["expiredAt"] }],
        });
        // dropSchema drops what is in the schema public, and must not trip over the extension.
        const source = await new DataSource({ ...typeorm, entities: [Session], synchronize: true, dropSchema: true }).initialize();
        const ttl = (_, { cookie }) => cookie.maxAge / 1000;
        return through(new TypeormStore({ cleanupLimit: 0, ttl }).connect(source.getRepository(Session)));
    },
};
