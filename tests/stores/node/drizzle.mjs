// What `drizzle-kit push` does, without its questions.
import { createRequire } from "node:module";

export async function drizzlePush(db, schema) {
    const { pushSchema } = createRequire(import.meta.url)("drizzle-kit/api");
    const plan = await pushSchema(schema, db, ["public"]);
    await plan.apply();
    return plan;
}
