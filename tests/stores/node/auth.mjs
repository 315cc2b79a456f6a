// Adapters of Auth.js.
import { database, host, pool, port, sequelize, typeorm, user } from "./connect.mjs";

const through = async (adapter, identity = {}) => {
    const owner = await adapter.createUser({ ...identity, name: "A", email: "a@example.com", emailVerified: new Date() });
    return {
        write: async (sessionToken, expires) => { await adapter.createSession({ sessionToken, userId: owner.id, expires }); },
        load: async id => (await adapter.getSessionAndUser(id))?.session.sessionToken === id,
    };
};

// Each test loads no more than its own library.
export const stores = {
    "pg": async () => {
        const { default: PostgresAdapter } = await import("@auth/pg-adapter");
        const db = pool();
        // The adapter brings no table; this is its documentation's.
        await db.query(`CREATE TABLE users (id serial PRIMARY KEY, name varchar(255), email varchar(255),
                "emailVerified" timestamptz, image text);
            CREATE TABLE sessions (id serial PRIMARY KEY, "userId" integer NOT NULL, expires timestamptz NOT NULL,
                "sessionToken" varchar(255) NOT NULL);
            CREATE TABLE verification_token (identifier text NOT NULL, expires timestamptz NOT NULL, token text NOT NULL,
                PRIMARY KEY (identifier, token))`);
        return through(PostgresAdapter(db));
    },
    "sequelize": async () => {
        const { default: SequelizeAdapter } = await import("@auth/sequelize-adapter");
        const db = await sequelize();
        const adapter = SequelizeAdapter(db, { synchronize: false });
        await db.sync();
        return through(adapter);
    },
    "mikro-orm": async () => {
        const { defaultEntities, MikroOrmAdapter } = await import("@auth/mikro-orm-adapter");
        const { defineConfig, MikroORM } = await import("@mikro-orm/postgresql");
        const options = { host, port, user, dbName: database, entities: Object.values(defaultEntities) };
        const orm = await MikroORM.init(options);
        await orm.schema.createSchema();
        await orm.close();
        return through(MikroOrmAdapter(defineConfig(options)));
    },
    "drizzle": async () => {
        const { DrizzleAdapter } = await import("@auth/drizzle-adapter");
        const { drizzle } = await import("drizzle-orm/node-postgres");
        const { drizzlePush } = await import("./drizzle.mjs");
        const schema = await import("./drizzle-schema.mjs");
        const db = drizzle(pool());
        await drizzlePush(db, schema);
        return through(DrizzleAdapter(db, {
            usersTable: schema.users, accountsTable: schema.accounts, sessionsTable: schema.sessions,
            verificationTokensTable: schema.verificationTokens,
        }), { id: "1" });
    },
    "typeorm": async () => {
        const { TypeORMAdapter } = await import("@auth/typeorm-adapter");
        return through(TypeORMAdapter({ ...typeorm, synchronize: true }));
    },
    "kysely": async () => {
        const { KyselyAdapter } = await import("@auth/kysely-adapter");
        const { Kysely, PostgresDialect, sql } = await import("kysely");
        const db = new Kysely({ dialect: new PostgresDialect({ pool: pool() }) });
        // The adapter brings no table; this is its documentation's.
        const uuid = column => column.primaryKey().defaultTo(sql`gen_random_uuid()`);
        await db.schema.createTable("User").addColumn("id", "uuid", uuid).addColumn("name", "text")
            .addColumn("email", "text", column => column.unique().notNull())
            .addColumn("emailVerified", "timestamptz").addColumn("image", "text").execute();
        await db.schema.createTable("Session").addColumn("id", "uuid", uuid)
            .addColumn("userId", "uuid", column => column.references("User.id").onDelete("cascade").notNull())
            .addColumn("sessionToken", "text", column => column.notNull().unique())
            .addColumn("expires", "timestamptz", column => column.notNull()).execute();
        return through(KyselyAdapter(db));
    },
};
