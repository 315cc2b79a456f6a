//! What the name of a table says is in it.
//!
//! Sessions are also trainings, therapies, chats, uploads and games. So `sessions` alone says that a table holds those of
//! a web site, and beside other words it does only if each of these says whose sessions they are, or what keeps them.

/// Words that leave a session that of a web site: who logs in, by what, and the frameworks.
const BEFORE: &[&str] = &[
    "account",
    "accounts",
    "actix",
    "admin",
    "admins",
    "adonis",
    "api",
    "app",
    "application",
    "asp",
    "aspnet",
    "async",
    "auth",
    "authentication",
    "authjs",
    "axum",
    "better",
    "betterauth",
    "browser",
    "cake",
    "cakephp",
    "catalyst",
    "ci",
    "codeigniter",
    "connect",
    "cookie",
    "cookies",
    "core",
    "custom",
    "customer",
    "customers",
    "db",
    "directus",
    "django",
    "drupal",
    "express",
    "fastify",
    "fiber",
    "flask",
    "forgejo",
    "gin",
    "gitea",
    "gogs",
    "gorilla",
    "hono",
    "http",
    "jetty",
    "js",
    "knex",
    "koa",
    "kratos",
    "laravel",
    "litestar",
    "login",
    "lucia",
    "mattermost",
    "metabase",
    "my",
    "nextauth",
    "node",
    "oauth",
    "offline",
    "oidc",
    "own",
    "passport",
    "payload",
    "pg",
    "php",
    "plack",
    "poem",
    "postgres",
    "prisma",
    "rails",
    "rc",
    "roundcube",
    "scs",
    "sequelize",
    "server",
    "sf",
    "spring",
    "sqlx",
    "sso",
    "starlette",
    "svelte",
    "sveltekit",
    "symfony",
    "tbl",
    "tomcat",
    "tower",
    "ttrss",
    "typeorm",
    "user",
    "users",
    "web",
    "www",
    "yii",
    "yii2",
];

const SESSIONS: &[&str] = &["sess", "session", "sessions"];

/// What a table of sessions is called after them.
const AFTER: &[&str] = &["data", "storage", "store", "table", "tbl"];

/// Say of a table that it holds what is over, and keeps it.
const KEPT: &[&str] = &[
    "audit", "backup", "bak", "copied", "copy", "deleted", "dump", "evidence", "expired",
    "history", "log", "logs", "moved", "old", "past", "removed", "saved", "trash",
];

/// The same by their beginning, in several languages.
const KEPT_BEGINNINGS: &[&str] = &["archie", "archiv", "backup", "histor", "verlauf"];

/// Whether a table's name says that its rows are kept although they are over.
pub fn is_kept(table: &str) -> bool {
    words(table).iter().any(|word| {
        KEPT.contains(&&word[..]) || KEPT_BEGINNINGS.iter().any(|part| word.starts_with(part))
    })
}

/// The words of a name in lower case, however they are joined.
pub fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut inside = false;
    let mut after_lower = false;
    // An accent of its own, behind the letter, parts no words.
    for c in name
        .chars()
        .filter(|c| !('\u{300}'..='\u{36f}').contains(c))
    {
        let begins = !inside || (c.is_uppercase() && after_lower);
        inside = c.is_alphanumeric();
        after_lower = c.is_lowercase();
        match words.last_mut() {
            _ if !inside => {}
            Some(word) if !begins => word.extend(c.to_lowercase()),
            _ => words.push(c.to_lowercase().collect()),
        }
    }
    words
}

/// Whether a table of that name holds the sessions of a web site.
pub fn is_of_sessions(table: &str) -> bool {
    let words = words(table);
    let place = words
        .iter()
        .rposition(|word| before_session(word).next().is_some());
    let Some(place) = place else {
        return false;
    };
    let is_websites = |word: &str| before_session(word).any(|of| of.is_empty() || is_before(of));
    // Django's `sessions_customsession`: the application's name is before the model's.
    words[..place]
        .iter()
        .all(|word| is_before(word) || is_websites(word))
        && is_websites(&words[place])
        && words[place + 1..]
            .iter()
            .all(|word| AFTER.contains(&&word[..]))
}

fn is_before(word: &str) -> bool {
    BEFORE.contains(&word)
}

/// What stands before the sessions in a word that ends in them.
fn before_session(word: &str) -> impl Iterator<Item = &str> {
    SESSIONS
        .iter()
        .filter_map(|session| word.strip_suffix(session))
}
