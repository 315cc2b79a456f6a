//! What a run leaves in the column `details`.

use super::super::policy::Policy;
use super::super::repacking::Tried;
use crate::pg::Usage;
use serde::Serialize;

/// What a run leaves in the column `details`.
#[derive(Default, Serialize)]
pub struct Details<'a> {
    /// What the policy said, without what it left open.
    pub policy: serde_json::Value,
    pub elapsed_ms: u64,
    #[serde(flatten)]
    pub usage: Usage,
    /// How many expired rows are left, about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expired_left: Option<u64>,
    /// Whether the table was rewritten, where that was tried: "done", or why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rewrite: Option<&'a str>,
    /// How long a rewrite kept everybody from the table.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locked_ms: Option<u64>,
    /// What came of repacking it, where that was tried.
    #[serde(flatten)]
    pub repacked: Option<&'a Tried>,
    /// How many relations were vacuumed afterwards.
    #[serde(skip_serializing_if = "is_zero")]
    pub vacuumed: u64,
    /// Of the error.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<&'a str>,
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// The policy as JSON, without nulls.
pub fn policy_json(policy: &Policy) -> serde_json::Value {
    let mut json = serde_json::to_value(policy).expect("plain data becomes JSON");
    if let Some(object) = json.as_object_mut() {
        object.retain(|name, value| name != "meant" && !value.is_null());
    }
    json
}
