// node tools.mjs NAME: lets a schema tool bring the database to its models, or drop everything, as ../test_schema_tools.py
// says. Prints the statements that it planned, and those that it made as far as it tells, as a line of JSON.
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { database, host, pool, port, sequelize, typeorm, user } from "./connect.mjs";

const here = name => fileURLToPath(new URL(name, import.meta.url));
const typeormSource = async options => {
    await import("reflect-metadata");
    const { DataSource, EntitySchema } = await import("typeorm");
    const Session = new EntitySchema({ name: "Session", columns: { id: { type: "varchar", primary: true }, json: { type: "text" } } });
    return new DataSource({ ...typeorm, entities: [Session], ...options }).initialize();
};
const mikroOrm = async ignoreSchema => {
    const { defaultEntities } = await import("@auth/mikro-orm-adapter");
    const { MikroORM } = await import("@mikro-orm/postgresql");
    const entities = Object.values(defaultEntities);
    return MikroORM.init({ host, port, user, dbName: database, entities, schemaGenerator: { ignoreSchema } });
};

const tools = {
    "drizzle-api": async () => {
        const { drizzle } = await import("drizzle-orm/node-postgres");
        const { drizzlePush } = await import("./drizzle.mjs");
        const plan = await drizzlePush(drizzle(pool()), { ...await import("./drizzle-schema.mjs") }, undefined);
        return [...plan.statementsToExecute, ...plan.warnings];
    },
    "drizzle-kit": async () => {
        const url = `postgres://${user}@localhost:${port}/${database}?host=${encodeURIComponent(host)}`;
        const options = ["push", "--dialect=postgresql", "--schema=drizzle-schema.mjs", `--url=${url}`, "--verbose", "--force"];
        const program = here("node_modules/.bin/drizzle-kit");
        return [execFileSync(program, options, { cwd: here("."), encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] })];
    },
    "typeorm": async () => {
        const source = await typeormSource({});
        const plan = await source.driver.createSchemaBuilder().log();
        await source.synchronize();
        return plan.upQueries.map(({ query }) => query);
    },
    "typeorm-drop": async () => {
        await (await typeormSource({ dropSchema: true })).destroy();
        return [];
    },
    "mikro-orm": async () => {
        const orm = await mikroOrm(["application", "raw_clear_sessions"]);
        const plan = await orm.schema.getUpdateSchemaSQL();
        await orm.schema.updateSchema();
        return [plan];
    },
    "mikro-orm-drop": async () => {
        const orm = await mikroOrm(["application", "raw_clear_sessions"]);
        await orm.schema.refreshDatabase();
        const plan = await orm.schema.getDropSchemaSQL();
        await orm.schema.dropSchema();
        return [plan];
    },
    // It looks at every schema of the database that it is not told to leave alone.
    "mikro-orm-untold": async () => {
        const orm = await mikroOrm(["application"]);
        const plan = await orm.schema.getUpdateSchemaSQL();
        const error = await orm.schema.updateSchema().then(() => "no error", error => error.code);
        return [plan, error];
    },
    "sequelize": async () => {
        const db = await sequelize();
        const plan = [];
        db.define("Session", { sid: { type: (await import("sequelize")).DataTypes.STRING, primaryKey: true } });
        await db.sync({ alter: true, logging: line => plan.push(line) });
        return plan;
    },
    "sequelize-drop": async () => {
        const db = await sequelize();
        await db.getQueryInterface().dropAllTables();
        await db.getQueryInterface().dropAllEnums();
        return [];
    },
};

console.log(JSON.stringify({ plan: await tools[process.argv[2]]() }));
process.exit(0);
