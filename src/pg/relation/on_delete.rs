//! What a DELETE of a relation's rows sets off: rules, triggers, the replica identity.

use super::super::c::{byte_of, short, size};
use super::Relation;
use core::ffi::CStr;
use pgrx::pg_sys;

/// A trigger that a DELETE fires.
#[derive(Debug)]
pub struct DeleteTrigger {
    pub name: String,
    /// It belongs to a foreign key that points at the table.
    pub is_foreign_key: bool,
}

impl Relation {
    /// A rule that rewrites DELETE and is not disabled.
    pub fn has_delete_rule(&self) -> bool {
        let rules = self.data().rd_rules;
        if rules.is_null() {
            return false;
        }
        // SAFETY: the lock of rules belongs to the open relation.
        unsafe {
            (0..size((*rules).numLocks))
                .map(|index| &**(*rules).rules.add(index))
                .any(|rule| {
                    rule.event == pg_sys::CmdType::CMD_DELETE && byte_of(rule.enabled) != b'D'
                })
        }
    }

    /// Whether a DELETE may leave rows without an ERROR: a trigger that fires before it may return NULL, a rule may do
    /// something else.
    pub fn may_keep_rows(&self) -> bool {
        // SAFETY: NULL, or the descriptor, which belongs to the open relation.
        let triggers = unsafe { self.data().trigdesc.as_ref() };
        self.has_delete_rule() || triggers.is_some_and(|triggers| triggers.trig_delete_before_row)
    }

    /// Whether code of somebody's may run when rows are deleted, which may put them elsewhere: a rule, or a trigger. Those of
    /// foreign keys are PostgreSQL's own; one that only looks whether there are rows which refer to these (commands/tablecmds.c,
    /// createForeignKeyActionTriggers) changes none, and so fires no other.
    pub fn may_put_rows(&self) -> bool {
        let only_looks = |trigger: &pg_sys::Trigger| {
            trigger.tgisinternal
                && [
                    pg_sys::F_RI_FKEY_NOACTION_DEL,
                    pg_sys::F_RI_FKEY_RESTRICT_DEL,
                ]
                .contains(&trigger.tgfoid.to_u32())
        };
        self.has_delete_rule() || self.delete_triggers().any(|trigger| !only_looks(trigger))
    }

    /// The triggers that a DELETE could fire and that are not disabled.
    fn delete_triggers(&self) -> impl Iterator<Item = &pg_sys::Trigger> {
        // SAFETY: NULL, or the descriptor, which belongs to the open relation, with so many triggers.
        let triggers = unsafe {
            let triggers = self.data().trigdesc.as_ref();
            triggers.map(|all| core::slice::from_raw_parts(all.triggers, size(all.numtriggers)))
        };
        triggers.unwrap_or_default().iter().filter(|trigger| {
            trigger.tgtype & short(pg_sys::TRIGGER_TYPE_DELETE) != 0
                && byte_of(trigger.tgenabled) != b'D'
        })
    }

    /// The first trigger that a DELETE could fire and that is not disabled; `statement`: among those of statements
    /// only.
    pub fn delete_trigger(&self, statement: bool) -> Option<DeleteTrigger> {
        self.delete_triggers()
            .find(|trigger| !(statement && trigger.tgtype & short(pg_sys::TRIGGER_TYPE_ROW) != 0))
            .map(|trigger| DeleteTrigger {
                // SAFETY: the name is the descriptor's, and is copied.
                name: unsafe { CStr::from_ptr(trigger.tgname) }
                    .to_string_lossy()
                    .into_owned(),
                is_foreign_key: trigger.tgisinternal && trigger.tgconstraint != pg_sys::InvalidOid,
            })
    }

    /// ERROR 55000 where the table's deletes are published, but no replica identity could name the rows.
    pub fn check_replica_identity(&self) {
        // SAFETY: reads catalogs for the open relation (executor/execReplication.c).
        unsafe {
            pg_sys::CheckCmdReplicaIdentity(self.as_ptr(), pg_sys::CmdType::CMD_DELETE);
        }
    }
}
