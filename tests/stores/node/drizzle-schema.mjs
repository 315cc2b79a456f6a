// The tables of Auth.js for Drizzle, as its documentation has them, in a file that drizzle-kit reads, too.
import { integer, pgTable, primaryKey, text, timestamp } from "drizzle-orm/pg-core";

export const users = pgTable("user", {
    id: text("id").primaryKey(),
    name: text("name"),
    email: text("email").unique(),
    emailVerified: timestamp("emailVerified", { mode: "date" }),
    image: text("image"),
});
const userId = () => text("userId").notNull().references(() => users.id, { onDelete: "cascade" });
export const accounts = pgTable("account", {
    userId: userId(),
    type: text("type").notNull(),
    provider: text("provider").notNull(),
    providerAccountId: text("providerAccountId").notNull(),
    refresh_token: text("refresh_token"),
    access_token: text("access_token"),
    expires_at: integer("expires_at"),
}, account => [primaryKey({ columns: [account.provider, account.providerAccountId] })]);
export const sessions = pgTable("session", {
    sessionToken: text("sessionToken").primaryKey(),
    userId: userId(),
    expires: timestamp("expires", { mode: "date" }).notNull(),
});
export const verificationTokens = pgTable("verificationToken", {
    identifier: text("identifier").notNull(),
    token: text("token").notNull(),
    expires: timestamp("expires", { mode: "date" }).notNull(),
}, token => [primaryKey({ columns: [token.identifier, token.token] })]);
