// @adonisjs/session with its database store. The table is made by the migration that the package has for applications.
import { readFileSync, writeFileSync } from "node:fs";
import { Application } from "@adonisjs/core/app";
import { Emitter } from "@adonisjs/core/events";
import { Logger } from "@adonisjs/core/logger";
import { Database } from "@adonisjs/lucid/database";
import { stores as adonis } from "@adonisjs/session";

const library = new URL("node_modules/@adonisjs/session/build/make/migration/sessions.stub", import.meta.url);

/** The package's template, as its command fills it in. */
async function migration() {
    const text = readFileSync(library, "utf8")
        .replace(/\{\{\{[^]*?\}\}\}/, "")
        .replace("protected tableName", "tableName")
        .replace("{{ migration.tableName }}", "sessions");
    const file = new URL(`migration-${process.pid}.mjs`, import.meta.url);
    writeFileSync(file, text);
    return (await import(file)).default;
}

export const stores = {
    adonisjs: async () => {
        const app = new Application(new URL("./", import.meta.url), { environment: "test" });
        await app.init();
        const connection = { client: "pg", connection: { host: process.env.PGHOST, database: process.env.PGDATABASE, user: process.env.PGUSER } };
        const db = new Database({ connection: "pg", connections: { pg: connection } }, new Logger({}), new Emitter(app));
        app.container.bindValue("lucid.db", db);
        const Migration = await migration();
        await new Migration(db.connection(), "sessions", false).execUp();
        const store = await adonis.database({ tableName: "sessions", gcProbability: 0 }).resolver(app);
        const lasting = age => store({}, { age });
        return {
            // A lifetime is in seconds; one that is over is written as a short one, and set back.
            write: async (id, expires) => {
                const seconds = Math.round((expires - Date.now()) / 1000);
                await lasting(`${Math.max(seconds, 60)} seconds`).write(id, { name: id });
                if (seconds < 0) await db.from("sessions").where("id", id).update({ expires_at: expires });
            },
            load: async id => (await lasting("1 day").read(id))?.name === id,
        };
    },
};
