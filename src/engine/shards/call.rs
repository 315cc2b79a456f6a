//! Statements on other nodes, by Citus' own means: `master_run_on_worker`, which `run_command_on_shards` and its like are
//! made of. Each has a connection of its own, as the current role; an error there is an answer, and no ERROR here.

use crate::pg::{self, Argument, LocalSetting};
use crate::table::{Node, Shard};
use core::ffi::CStr;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// A statement for a node.
pub struct Call<'n> {
    pub node: &'n Node,
    pub command: String,
}

/// What a node has answered: the only value, or what went wrong.
pub type Answer = Result<String, String>;

impl<'n> Call<'n> {
    /// Whether the node is there.
    pub fn ping(node: &'n Node) -> Self {
        Call {
            node,
            command: "SELECT 1".to_owned(),
        }
    }
}

/// How often Citus looks for answers, and how often it is to look: the transaction here lasts as long as it waits.
const LOOK: (&CStr, &CStr) = (c"citus.remote_task_check_interval", c"1");

/// How long Citus tries to connect, in milliseconds, and how long it is to try at most: for the same reason.
const CONNECT: (&CStr, &CStr) = (c"citus.node_connection_timeout", c"5000");

/// Those of the settings that are there, and not stricter already.
fn impatience() -> Option<LocalSetting> {
    let is_there =
        |(name, value): (&CStr, &CStr)| pg::setting_takes(name, &value.to_string_lossy());
    let number = |text: &str| text.parse::<u64>().ok();
    let mut settings = Vec::new();
    if is_there(LOOK) {
        settings.push(LOOK);
    }
    if is_there(CONNECT)
        && number(&pg::server_setting(CONNECT.0)) > number(&CONNECT.1.to_string_lossy())
    {
        settings.push(CONNECT);
    }
    (!settings.is_empty()).then(|| LocalSetting::set(&settings))
}

/// How long nodes are waited for.
#[derive(Clone, Copy, Debug)]
pub struct Wait {
    /// At most.
    pub most: Duration,
    /// As long as they have been asked to work.
    pub asked: Duration,
}

impl Wait {
    /// For what takes no time.
    pub const SHORT: Wait = Wait {
        most: Duration::from_secs(10),
        asked: Duration::ZERO,
    };

    /// No longer than half of the time that is left, because the other nodes are to have the rest, and beyond that `more`.
    pub fn within(self, left: Option<Duration>, more: Duration) -> Wait {
        let most = left.map_or(self.most, |left| self.most.min(left / 2));
        Wait {
            most: most.saturating_add(more),
            ..self
        }
    }
}

/// What it takes to connect to a node, and to hear from it, beyond the time that it works.
pub const GRACE: Duration = Duration::from_secs(1);

/// How an answer begins that has not come.
const NO_ANSWER: &str = "no answer within ";

/// Whether an answer has not come.
pub fn is_missing(message: &str) -> bool {
    message.starts_with(NO_ANSWER)
}

/// Which nodes were waited for when the last statement was canceled, in words.
static WAITED_FOR: Mutex<Option<String>> = Mutex::new(None);

/// Takes that, if there were some.
pub fn take_waited_for() -> Option<String> {
    WAITED_FOR.lock().ok()?.take()
}

/// Has all of them executed at the same time, and returns their answers in the same order. ERROR where the statement here is
/// canceled meanwhile; a WARNING before that says which nodes had not answered, if they had had the time to.
pub fn answers(calls: &[Call<'_>], wait: Wait) -> Vec<Answer> {
    if calls.is_empty() {
        return Vec::new();
    }
    take_waited_for();
    let started = Instant::now();
    let (mut answers, is_cut) = pg::limit_waits(wait.most, calls.len(), || execute(calls));
    let elapsed = started.elapsed();
    if is_cut {
        let lost = answers
            .iter_mut()
            .filter_map(|answer| answer.as_mut().err());
        for message in lost.filter(|message| !is_of_the_node(message)) {
            *message = format!("{NO_ANSWER}{:.1} s", elapsed.as_secs_f64());
        }
        if pg::is_canceled() && elapsed >= wait.asked + GRACE {
            note_waited_for(calls, &answers);
        }
    }
    pg::check_for_interrupts();
    let plain = |message: String| pg::capped(message.trim().trim_start_matches("ERROR:").trim());
    let answers = answers.into_iter();
    answers.map(|answer| answer.map_err(plain)).collect()
}

/// How long it may take to ask for one reason.
const REASON: Duration = Duration::from_secs(2);

/// How many nodes are asked for it at a time.
const REASONS: usize = 3;

/// Adds to failures to connect why they are: Citus keeps it from its answers, and says it in a WARNING where it is asked for
/// nothing else. `waited`: how long that took; where it was long, that is the reason.
pub fn explain<'n>(failures: impl Iterator<Item = (&'n Node, &'n mut String)>, waited: Duration) {
    let unknown = failures.filter(|(_, message)| message.starts_with("failed to connect to "));
    for (node, message) in unknown.take(REASONS) {
        let reason = if waited >= GRACE {
            Some(format!(
                "no connection within {:.1} s",
                waited.as_secs_f64()
            ))
        } else {
            why_not_connected(node)
        };
        if let Some(reason) = reason {
            *message = pg::capped(&format!("{message}: {reason}"));
        }
    }
}

fn why_not_connected(node: &Node) -> Option<String> {
    let may_ask: Vec<bool> = pg::query(
        "SELECT pg_catalog.has_function_privilege(f, 'EXECUTE') FROM pg_catalog.to_regprocedure(\
         'pg_catalog.citus_check_connection_to_node(pg_catalog.text, pg_catalog.int4)') AS f WHERE f IS NOT NULL",
        &[],
    );
    if may_ask != [true] {
        return None;
    }
    let (host, port) = (Argument::text(&node.host), node.port);
    let ask = format!("SELECT pg_catalog.citus_check_connection_to_node($1, {port})");
    let ((_, _), warnings) = pg::with_warnings(|| {
        pg::limit_waits(REASON, 1, || -> Vec<Option<bool>> {
            pg::query(&ask, &[host])
        })
    });
    pg::check_for_interrupts();
    let last = warnings.into_iter().next_back()?;
    let (_, reason) = last.split_once("following error: ")?;
    Some(reason.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// Whether an error is the node's own, and nothing of the connection.
fn is_of_the_node(message: &str) -> bool {
    message.starts_with("ERROR:")
}

/// As [`answers`], as Citus has them.
fn execute(calls: &[Call<'_>]) -> Vec<Answer> {
    let array = |item: &dyn Fn(&Call<'_>) -> String| {
        let items: Vec<_> = calls.iter().map(item).collect();
        format!("ARRAY[{}]", items.join(", "))
    };
    let hosts = array(&|call| pgrx::spi::quote_literal(&call.node.host));
    let ports = array(&|call| call.node.port.to_string());
    let commands = array(&|call| pgrx::spi::quote_literal(&call.command));
    let impatience = impatience();
    let answers: Vec<(Option<bool>, Option<String>)> = pg::query(
        &format!(
            "SELECT success, result FROM pg_catalog.master_run_on_worker({hosts}::pg_catalog.text[], \
             {ports}::pg_catalog.int4[], {commands}::pg_catalog.text[], true) \
             WITH ORDINALITY AS a (host, port, success, result, call) ORDER BY a.call"
        ),
        &[],
    );
    drop(impatience);
    answers
        .into_iter()
        .map(|(success, result)| {
            let result = result.unwrap_or_default();
            if success == Some(true) {
                Ok(result)
            } else {
                Err(result)
            }
        })
        .collect()
}

fn note_waited_for(calls: &[Call<'_>], answers: &[Answer]) {
    let silent = calls.iter().zip(answers).filter(|(_, answer)| {
        let message = answer.as_ref().err();
        message.is_some_and(|message| is_missing(message))
    });
    let mut nodes: Vec<_> = silent
        .map(|(call, _)| format!("{}:{}", call.node.host, call.node.port))
        .collect();
    nodes.dedup();
    if nodes.is_empty() {
        return;
    }
    let nodes = nodes.join(", ");
    if let Ok(mut waited_for) = WAITED_FOR.lock() {
        *waited_for = Some(nodes.clone());
    }
    // It checks for interrupts.
    pg::warning(
        &format!("no answer had come from {nodes}"),
        "Look whether that server is up, and what it is busy with.",
    );
}

/// The nodes that have failed, and why.
pub fn failed<'n>(
    nodes: &'n [&Node],
    answers: &'n mut [Answer],
) -> impl Iterator<Item = (&'n Node, &'n mut String)> {
    let all = nodes.iter().zip(answers);
    all.filter_map(|(node, answer)| answer.as_mut().err().map(|message| (*node, message)))
}

/// The nodes of shards, each once.
pub fn nodes_of<'s>(shards: impl IntoIterator<Item = &'s Shard>) -> Vec<&'s Node> {
    let mut nodes = Vec::new();
    for shard in shards {
        if !nodes.contains(&&shard.node) {
            nodes.push(&shard.node);
        }
    }
    nodes
}

/// Whether the nodes that answer can clear their shards. `Err`: why one cannot. A node that does not answer may be down
/// for a while, and is no reason; but this server has to reach itself. Returns those that have been waited for in vain, with
/// what is known of them.
pub fn ask_nodes(shards: &[Shard], wait: Wait) -> Result<Vec<(Node, String)>, String> {
    let secondary = "SELECT pg_catalog.current_setting('citus.use_secondary_nodes', true) IS NOT DISTINCT FROM 'always'";
    if pg::query::<bool>(secondary, &[]) == [true] {
        return Err(
            "\"citus.use_secondary_nodes\" is \"always\", with which Citus writes nothing."
                .to_owned(),
        );
    }
    let nodes = nodes_of(shards);
    let version = "SELECT e.extversion FROM pg_catalog.pg_extension AS e \
         WHERE e.extname OPERATOR(pg_catalog.=) 'raw_clear_sessions' AND pg_catalog.to_regprocedure(\
         'raw_clear_sessions.clear_shard(pg_catalog.regclass, pg_catalog.text)') IS NOT NULL";
    let ours: Option<String> = pg::query(version, &[]).pop();
    let calls: Vec<_> = nodes
        .iter()
        .map(|node| Call {
            node,
            command: version.to_owned(),
        })
        .collect();
    let started = Instant::now();
    let mut answers = answers(&calls, wait);
    let waited = started.elapsed();
    explain(failed(&nodes, &mut answers), waited);
    let mut silent = Vec::new();
    for (node, answer) in nodes.into_iter().zip(answers) {
        let Node { host, port, .. } = node;
        match answer {
            Ok(theirs) if Some(&theirs) == ours.as_ref() => {}
            Ok(theirs) if theirs.is_empty() => {
                return Err(format!(
                    "The extension raw_clear_sessions is not installed on node {host}:{port}."
                ));
            }
            Ok(theirs) => {
                return Err(format!(
                    "Node {host}:{port} has version {theirs} of the extension, and this one {}.",
                    ours.unwrap_or_default()
                ));
            }
            Err(message) if node.is_here => {
                return Err(format!("This server cannot connect to itself: {message}."));
            }
            Err(message) if waited >= GRACE => silent.push((node.clone(), message)),
            Err(_) => {}
        }
    }
    Ok(silent)
}

/// Has the nodes wait for locks in this transaction no longer than this session does.
///
/// Citus passes on what SET LOCAL says, in a transaction block or what it takes for one; it does not see a setting that is
/// set in any other way.
pub fn limit_lock_wait() {
    let Some(timeout) = pg::lock_timeout() else {
        return;
    };
    let has_language: Vec<()> = pg::query(
        "SELECT FROM pg_catalog.pg_language WHERE lanname OPERATOR(pg_catalog.=) 'plpgsql'",
        &[],
    );
    if has_language.is_empty() {
        return;
    }
    let _passed_on = LocalSetting::set(&[(c"citus.propagate_set_commands", c"local")]);
    let milliseconds = timeout.as_millis();
    pg::run(&format!(
        "DO LANGUAGE plpgsql $$BEGIN SET LOCAL lock_timeout = {milliseconds}; END$$"
    ));
}
