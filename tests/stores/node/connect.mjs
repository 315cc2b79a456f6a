// The database, as each library wants to be told of it: by libpq's variables where it reads them.
import pg from "pg";

export const host = process.env.PGHOST, port = Number(process.env.PGPORT);
export const user = process.env.PGUSER, database = process.env.PGDATABASE;

export const pool = () => new pg.Pool({ host, port, user, database });
export const sequelize = async () => {
    const { Sequelize } = await import("sequelize");
    return new Sequelize(database, user, "", { dialect: "postgres", host, port, logging: false });
};
export const typeorm = { type: "postgres", host, port, username: user, database };
