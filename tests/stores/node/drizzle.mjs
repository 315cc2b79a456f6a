// What `drizzle-kit push` does, without its questions. Payload, in development, names no schema.
import { createRequire } from "node:module";

export async function drizzlePush(db, schema, schemas = ["public"]) {
    const { pushSchema } = createRequire(import.meta.url)("drizzle-kit/api");
    const plan = await pushSchema(schema, db, schemas);
    await plan.apply();
    return plan;
}
