// node main.mjs FILE/NAME: one store's part of its test, as ../case.py says.
import { createInterface } from "node:readline";

const minute = 60000, day = 1440 * minute;
const [file, name] = process.argv[2].split("/");
const store = await (await import(`./${file}.mjs`)).stores[name]();
const written = { live: [], expired: [] };
for (const [kind, offsets] of [["live", [5 * minute, 90 * minute, day]], ["expired", [-minute, -90 * minute, -day]]]) {
    for (const offset of offsets) {
        const id = `${kind}-${written[kind].length}`;
        written[kind].push((await store.write(id, new Date(Date.now() + offset))) ?? id);
    }
}
console.log(JSON.stringify(written));
for await (const line of createInterface({ input: process.stdin })) break;
const loaded = [];
for (const id of [...written.live, ...written.expired]) if (await store.load(id)) loaded.push(id);
console.log(JSON.stringify({ loaded }));
process.exit(0);
