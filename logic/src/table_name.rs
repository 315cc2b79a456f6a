//! What the name of a table says is in it.
//!
//! Sessions are also trainings, therapies, chats, uploads and games. So `sessions` alone says that a table holds those of
//! a web site, and beside other words it does only if each of these says whose sessions they are, or what keeps them.

use crate::keeping::is_never;

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
    "elsewhere",
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

/// Say of a table, or of a schema, that it holds what is over, and keeps it.
const KEPT: &[&str] = &[
    "after",
    "alt",
    "alte",
    "ancien",
    "anterior",
    "arc",
    "arch",
    "aside",
    "audit",
    "audits",
    "bak",
    "baseline",
    "bck",
    "before",
    "bk",
    "bkp",
    "bkup",
    "bup",
    "case",
    "clone",
    "clones",
    "cold",
    "copia",
    "copie",
    "copied",
    "copies",
    "copy",
    "court",
    "deleted",
    "deprecated",
    "detached",
    "donttouch",
    "dump",
    "dumps",
    "dup",
    "dups",
    "eternal",
    "evidence",
    "expired",
    "export",
    "exported",
    "exports",
    "fallback",
    "forever",
    "former",
    "fraud",
    "frozen",
    "gdpr",
    "held",
    "hist",
    "hold",
    "holds",
    "immutable",
    "incident",
    "keep",
    "kept",
    "kopie",
    "legacy",
    "legal",
    "litigation",
    "locked",
    "log",
    "logs",
    "migration",
    "mirror",
    "moved",
    "obsolete",
    "offload",
    "offloaded",
    "old",
    "orig",
    "original",
    "originals",
    "oud",
    "oude",
    "papierkorb",
    "parked",
    "past",
    "permanent",
    "pinned",
    "pitr",
    "prev",
    "previous",
    "protected",
    "readonly",
    "recycle",
    "recycled",
    "removed",
    "rescued",
    "retain",
    "retained",
    "retention",
    "retired",
    "ro",
    "rollback",
    "sav",
    "save",
    "saved",
    "shadow",
    "sicherung",
    "snap",
    "snaps",
    "sperre",
    "stash",
    "trash",
    "undeletable",
    "vault",
    "vecchio",
    "vieja",
    "viejo",
    "vieux",
];

/// The same anywhere in a word, in several languages.
const KEPT_ANYWHERE: &[&str] = &[
    "archie",
    "archiv",
    "aufbewahr",
    "backup",
    "bewaar",
    "bewijs",
    "complian",
    "donotdelet",
    "duplic",
    "forens",
    "histor",
    "investig",
    "legalhold",
    "litigation",
    "neverdelet",
    "nodelet",
    "preserv",
    "quarant",
    "recover",
    "respaldo",
    "restor",
    "sauvegarde",
    "snapshot",
    "subpoena",
    "verlauf",
];

/// Say of a cache that something is nowhere else yet.
const ONLY_COPY: &[&str] = &[
    "behind",
    "dirty",
    "draft",
    "journal",
    "master",
    "offline",
    "only",
    "outbox",
    "pending",
    "primary",
    "queue",
    "truth",
    "unsaved",
    "unsent",
    "unsynced",
    "writeback",
    "writebehind",
];

/// Whether a cache of that name may hold the only copy of what is in it: `write_behind_cache`.
pub fn is_only_copy(table: &str) -> bool {
    let words = words(table);
    words.iter().any(|word| word.contains("cache"))
        && words
            .iter()
            .any(|word| ONLY_COPY.contains(&word.trim_end_matches('s')))
}

/// Whether a name says of a table, or of what is in a schema, that rows are kept although they are over.
pub fn is_kept(name: &str) -> bool {
    // Copies are numbered: `old2`.
    let is_kept = |word: &str| KEPT.contains(&word.trim_matches(|c: char| c.is_ascii_digit()));
    let words = words(name);
    is_never(&words)
        || words.iter().any(|word| {
            is_kept(word)
            || KEPT_ANYWHERE.iter().any(|part| word.contains(part))
            // `oldsessions`, `sessionbak`, `sessionsold2024`
            || around_session(word).any(|(before, after)| is_kept(before) || is_kept(after))
        })
}

/// Whether a table's name ends in a date or a year, glued or not, with or without a time behind it: `django_session_2024`,
/// `sessions20240131`.
pub fn is_dated(table: &str) -> bool {
    let end = table[undated(table).len()..].split(|c: char| !c.is_ascii_digit());
    end.into_iter().any(is_date)
}

/// Whether the name of a schema has a date in it, to the month at least: a number of four digits may be a tenant's.
pub fn has_date(schema: &str) -> bool {
    let mut numbers = schema.split(|c: char| !c.is_ascii_digit());
    numbers.any(|digits| digits.len() >= 6 && is_date(digits))
}

/// What a table holds that is called so.
const HELD: &[&str] = &[
    "session",
    "sess",
    "cache",
    "token",
    "storage",
    "locks",
    "lock_keys",
];

/// Behind a cache: Roundcube's.
const OF_A_CACHE: &[&str] = &["index", "messages", "shared", "thread"];

/// Where what the table holds ends in its name.
fn end_of_held(table: &str) -> Option<usize> {
    let lower = table.to_ascii_lowercase();
    let ends = HELD
        .iter()
        .filter_map(|held| Some(lower.rfind(held)? + held.len()));
    let end = ends.max()?;
    Some(end + usize::from(lower[end..].starts_with('s')))
}

/// Whether more stands in a table's name behind what it holds than such a table is called by: `django_session_copy1`,
/// `sessions_x`. What stands before it is the application's or the tenant's; what is put behind makes a copy's name of it.
pub fn is_followed(table: &str) -> bool {
    let Some(end) = end_of_held(table) else {
        return false;
    };
    // Versions, tenants, shards: `session_v2`, `session_2`, `session_102008`. A date is no such number.
    let is_number = |word: &str| {
        let digits = word.strip_prefix('v').unwrap_or(word);
        (1..8).contains(&digits.len()) && digits.chars().all(|c| c.is_ascii_digit())
    };
    let is_usual = |word: &String| {
        let lists = [AFTER, BEFORE, OF_A_CACHE];
        let bare = word.trim_end_matches(|c: char| c.is_ascii_digit());
        lists.iter().any(|list| list.contains(&bare)) || is_number(word)
    };
    !words(&table[end..]).iter().all(is_usual) || !table.ends_with(char::is_alphanumeric)
}

/// A partition's name without what tells it from the others. That it holds what is over need not say that this is kept.
pub fn of_partition(partition: &str) -> &str {
    const OVER: [&str; 3] = ["before", "expired", "past"];
    let mut name = undated(partition);
    for word in OVER {
        name = name.strip_suffix(word).map_or(name, undated);
    }
    match end_of_held(name) {
        Some(end) if !is_kept(name) => &name[..end],
        _ => name,
    }
}

/// The name without the digits at its end, and what joins them.
pub fn undated(table: &str) -> &str {
    table.trim_end_matches(|c: char| !c.is_alphabetic())
}

/// A year, alone or with a month, a day, and a time behind it; the day first, or a year of two digits before month and day.
fn is_date(digits: &str) -> bool {
    let at = |range: std::ops::Range<usize>| {
        let part = digits.get(range);
        part.and_then(|part| part.parse::<u32>().ok()).unwrap_or(0)
    };
    let is_century = |from: usize| matches!(at(from..from + 2), 19 | 20);
    let is_month = |from: usize| (1..=12).contains(&at(from..from + 2));
    let is_day = |from: usize| (1..=31).contains(&at(from..from + 2));
    match digits.len() {
        4 => is_century(0),
        6 => {
            (is_century(0) && is_month(4))
                || ((15..50).contains(&at(0..2)) && is_month(2) && is_day(4))
        }
        8 if is_day(0) && is_month(2) && is_century(4) => true,
        8 | 12 | 14 => is_century(0) && is_month(4) && is_day(6),
        _ => false,
    }
}

/// What is before and behind the sessions in a word.
fn around_session(word: &str) -> impl Iterator<Item = (&str, &str)> {
    ["sessions", "session"]
        .iter()
        .filter_map(|session| word.split_once(session))
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
