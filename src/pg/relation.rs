//! Relations: opening, and what the relation cache knows of them.

mod on_delete;

use super::Changes;
use super::c::{byte_of, int};
use core::ffi::CStr;
use core::ptr::NonNull;
use pgrx::pg_sys;

/// The lock that a relation is opened with; kept until the transaction ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LockMode {
    /// As SELECT takes it: for the preview.
    AccessShare,
    /// As DELETE takes it.
    RowExclusive,
    /// As VACUUM takes it.
    ShareUpdateExclusive,
    /// As TRUNCATE takes it: nobody else may even read.
    AccessExclusive,
}

impl LockMode {
    pub(super) fn mode(self) -> pg_sys::LOCKMODE {
        match self {
            LockMode::AccessShare => int(pg_sys::AccessShareLock),
            LockMode::RowExclusive => int(pg_sys::RowExclusiveLock),
            LockMode::ShareUpdateExclusive => int(pg_sys::ShareUpdateExclusiveLock),
            LockMode::AccessExclusive => int(pg_sys::AccessExclusiveLock),
        }
    }
}

/// What a relation is, from pg_class.relkind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RelationKind {
    Table,
    PartitionedTable,
    ForeignTable,
    View,
    MaterializedView,
    Index,
    PartitionedIndex,
    Sequence,
    CompositeType,
    ToastTable,
    /// What PostgreSQL has had since this was written.
    Other,
}

/// Where the rows of a relation are: a tablespace, and a file in it. A place in one means nothing in another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FileNode(u32, u32);

/// A column that is not dropped.
#[derive(Clone, Debug)]
pub struct Attribute {
    pub attnum: i16,
    pub name: String,
    /// The type below all domains.
    pub base_type: pg_sys::Oid,
    /// A generated column that is computed when it is read (PostgreSQL 18), so that no heap tuple holds it.
    pub is_virtual: bool,
    /// NOT NULL, and neither a default nor anything else fills it in: an INSERT has to give it a value.
    pub is_required: bool,
}

/// An open relation. Closed on drop, except while an ERROR unwinds, when the abort closes it; the lock stays.
pub struct Relation(NonNull<pg_sys::RelationData>);

impl Relation {
    /// Locks and opens a relation of any kind; `None` where there is none of that oid (any more).
    pub fn open(oid: pg_sys::Oid, lock: LockMode) -> Option<Relation> {
        super::allocator::check_memory();
        // SAFETY: try_relation_open waits for the lock, then looks whether the relation still exists.
        NonNull::new(unsafe { pg_sys::try_relation_open(oid, lock.mode()) }).map(Relation)
    }

    /// The same, where that lock need not be waited for; `None` otherwise, too.
    pub fn open_if_free(oid: pg_sys::Oid, lock: LockMode) -> Option<Relation> {
        // SAFETY: takes the lock or not, and then the invalidations that came before it (storage/lmgr/lmgr.c).
        let is_locked = unsafe { pg_sys::ConditionalLockRelationOid(oid, lock.mode()) };
        is_locked.then(|| Relation::open(oid, lock))?
    }

    /// The relation cache's entry: valid while `self` lives, because it holds a reference.
    pub(super) fn as_ptr(&self) -> pg_sys::Relation {
        self.0.as_ptr()
    }

    fn data(&self) -> &pg_sys::RelationData {
        // SAFETY: the entry is pinned by our reference; parts that an invalidation may rebuild are not kept.
        unsafe { self.0.as_ref() }
    }

    pub(super) fn class(&self) -> &pg_sys::FormData_pg_class {
        // SAFETY: rd_rel is set for every open relation.
        unsafe { &*self.data().rd_rel }
    }

    pub fn oid(&self) -> pg_sys::Oid {
        self.data().rd_id
    }

    pub fn name(&self) -> String {
        super::name::exact_name(&self.class().relname)
    }

    /// The schema, by the name that this session knows it by: EXPLAIN calls its own temporary schema `pg_temp` too.
    pub fn schema(&self) -> String {
        if self.is_temporary() && !self.is_other_temporary() {
            return "pg_temp".to_owned();
        }
        // SAFETY: the schema of a locked relation exists; the copy is palloc'd and copied again.
        unsafe {
            let name = pg_sys::get_namespace_name(self.class().relnamespace);
            super::name::exact(CStr::from_ptr(name))
        }
    }

    /// Schema and name, quoted where SQL needs it.
    pub fn qualified_name(&self) -> String {
        format!(
            "{}.{}",
            super::quote_identifier(&self.schema()),
            super::quote_identifier(&self.name())
        )
    }

    pub fn kind(&self) -> RelationKind {
        match byte_of(self.class().relkind) {
            pg_sys::RELKIND_PARTITIONED_TABLE => RelationKind::PartitionedTable,
            pg_sys::RELKIND_FOREIGN_TABLE => RelationKind::ForeignTable,
            pg_sys::RELKIND_VIEW => RelationKind::View,
            pg_sys::RELKIND_MATVIEW => RelationKind::MaterializedView,
            pg_sys::RELKIND_INDEX => RelationKind::Index,
            pg_sys::RELKIND_PARTITIONED_INDEX => RelationKind::PartitionedIndex,
            pg_sys::RELKIND_SEQUENCE => RelationKind::Sequence,
            pg_sys::RELKIND_COMPOSITE_TYPE => RelationKind::CompositeType,
            pg_sys::RELKIND_TOASTVALUE => RelationKind::ToastTable,
            pg_sys::RELKIND_RELATION => RelationKind::Table,
            _ => RelationKind::Other,
        }
    }

    pub fn is_system_catalog(&self) -> bool {
        // SAFETY: reads the open relation's entry.
        unsafe { pg_sys::IsSystemRelation(self.as_ptr()) }
    }

    /// One of this extension's own tables.
    pub fn is_own(&self) -> bool {
        // SAFETY: catalog look-ups; the name is only read, and a missing extension is no ERROR.
        unsafe {
            let extension = pg_sys::get_extension_oid(c"raw_clear_sessions".as_ptr(), true);
            extension != pg_sys::InvalidOid
                && pg_sys::getExtensionOfObject(pg_sys::RelationRelationId, self.oid()) == extension
        }
    }

    /// A temporary table, this session's or another's.
    pub fn is_temporary(&self) -> bool {
        byte_of(self.class().relpersistence) == pg_sys::RELPERSISTENCE_TEMP
    }

    /// Neither temporary nor unlogged: its changes are in the WAL.
    pub fn is_permanent(&self) -> bool {
        byte_of(self.class().relpersistence) == pg_sys::RELPERSISTENCE_PERMANENT
    }

    /// RELATION_IS_OTHER_TEMP of utils/rel.h: its pages may be in another backend's local buffers.
    pub fn is_other_temporary(&self) -> bool {
        self.is_temporary() && !self.data().rd_islocaltemp
    }

    /// Whether the rows are in PostgreSQL's own heap.
    pub fn is_heap(&self) -> bool {
        self.kind() == RelationKind::Table && self.class().relam == pg_sys::HEAP_TABLE_AM_OID
    }

    /// Whether the rows are on a foreign server.
    pub fn is_foreign(&self) -> bool {
        self.kind() == RelationKind::ForeignTable
    }

    /// The file that it is stored in: another one after anything that has written its rows anew.
    pub fn file(&self) -> FileNode {
        #[cfg(feature = "pg15")]
        let (tablespace, number) = (self.data().rd_node.spcNode, self.data().rd_node.relNode);
        #[cfg(not(feature = "pg15"))]
        let (tablespace, number) = (
            self.data().rd_locator.spcOid,
            self.data().rd_locator.relNumber,
        );
        FileNode(u32::from(tablespace), u32::from(number))
    }

    /// To see later whether it has been altered.
    pub fn changes(&self) -> Changes {
        Changes::of(self.oid())
    }

    /// Whether it is a partition of another table.
    pub fn is_partition(&self) -> bool {
        self.class().relispartition
    }

    /// Who owns it.
    pub fn owner(&self) -> pg_sys::Oid {
        self.class().relowner
    }

    /// How many blocks the table has. Only for relations that have storage of their own, in blocks: heaps.
    pub fn blocks(&self) -> u32 {
        // SAFETY: the relation is open; its size cannot shrink while it is locked as DELETE locks it.
        unsafe {
            pg_sys::RelationGetNumberOfBlocksInFork(self.as_ptr(), pg_sys::ForkNumber::MAIN_FORKNUM)
        }
    }

    /// The block that this process has last inserted a row into, as far as it knows (RelationGetTargetBlock() of utils/rel.h).
    pub fn block_of_last_insert(&self) -> Option<u32> {
        // SAFETY: the open relation's file, where it has been opened, and is until an invalidation closes it.
        let block = unsafe { self.data().rd_smgr.as_ref()?.smgr_targblock };
        (block != pg_sys::InvalidBlockNumber).then_some(block)
    }

    /// Whether VACUUM or ANALYZE has counted its rows.
    pub fn is_counted(&self) -> bool {
        self.class().reltuples >= 0.0
    }

    /// The size of the main fork and its free space and visibility maps, of toast and of nothing else, as
    /// pg_table_size() counts it. In bytes; 0 for a relation without storage.
    pub fn table_bytes(&self) -> i64 {
        // SAFETY: takes a regclass, returns a bigint (utils/adt/dbsize.c).
        unsafe {
            pgrx::direct_function_call::<i64>(
                pg_sys::pg_table_size,
                &[Some(pg_sys::Datum::from(self.oid()))],
            )
        }
        .unwrap_or(0)
    }

    /// The same with all indexes, as pg_total_relation_size() counts it.
    pub fn total_bytes(&self) -> i64 {
        // SAFETY: takes a regclass, returns a bigint (utils/adt/dbsize.c).
        unsafe {
            pgrx::direct_function_call::<i64>(
                pg_sys::pg_total_relation_size,
                &[Some(pg_sys::Datum::from(self.oid()))],
            )
        }
        .unwrap_or(0)
    }

    /// The columns that are not dropped, in order.
    pub fn attributes(&self) -> Vec<Attribute> {
        let descriptor = self.data().rd_att;
        // SAFETY: the descriptor belongs to the open relation; nothing here can invalidate it but getBaseType's catalog
        // look-ups, which may rebuild the entry but keep an unchanged descriptor (utils/cache/relcache.c), and it is
        // unchanged because the relation is locked.
        unsafe {
            (0..(*descriptor).natts)
                .map(|index| &*attribute(descriptor, index))
                .filter(|attribute| !attribute.attisdropped)
                .map(|attribute| Attribute {
                    attnum: attribute.attnum,
                    name: super::name::shown(&attribute.attname),
                    base_type: pg_sys::getBaseType(attribute.atttypid),
                    is_virtual: byte_of(attribute.attgenerated) == b'v',
                    is_required: attribute.attnotnull
                        && !attribute.atthasdef
                        && attribute.attidentity == 0,
                })
                .collect()
        }
    }

    /// Whether a column has been dropped, so that tuples may still hold its values.
    pub(super) fn has_dropped_columns(&self) -> bool {
        let descriptor = self.data().rd_att;
        // SAFETY: the descriptor belongs to the open relation.
        unsafe { (0..(*descriptor).natts).any(|index| is_dropped(descriptor, index)) }
    }

    /// Whether policies are enabled on it, for whomever.
    pub fn has_row_security(&self) -> bool {
        self.class().relrowsecurity
    }
}

/// TupleDescAttr() of access/tupdesc.h.
///
/// # Safety
/// The descriptor is one of an open relation and has more than `index` attributes.
#[cfg(not(any(feature = "pg18", feature = "pg19")))]
pub(super) unsafe fn attribute(
    descriptor: pg_sys::TupleDesc,
    index: i32,
) -> pg_sys::Form_pg_attribute {
    // SAFETY: the attributes follow the descriptor's fixed part.
    unsafe { (*descriptor).attrs.as_mut_ptr().add(super::c::size(index)) }
}

/// TupleDescAttr() of access/tupdesc.h: since PostgreSQL 18 the attributes follow an array of compact ones.
///
/// # Safety
/// The descriptor is one of an open relation and has more than `index` attributes.
#[cfg(any(feature = "pg18", feature = "pg19"))]
pub(super) unsafe fn attribute(
    descriptor: pg_sys::TupleDesc,
    index: i32,
) -> pg_sys::Form_pg_attribute {
    // SAFETY: passed on.
    unsafe { pg_sys::TupleDescAttr(descriptor, index) }
}

/// Whether a column has been dropped. In the PostgreSQL versions that have it as an inline function, behind a shim of C
/// that raises no ERROR.
///
/// # Safety
/// As for `attribute`.
pub(super) unsafe fn is_dropped(descriptor: pg_sys::TupleDesc, index: i32) -> bool {
    // SAFETY: passed on.
    unsafe { (*attribute(descriptor, index)).attisdropped }
}

impl Drop for Relation {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            // SAFETY: gives back the reference that `open` took, and not the lock.
            unsafe { pg_sys::relation_close(self.as_ptr(), int(pg_sys::NoLock)) }
        }
    }
}

/// Whether the rows are in Citus' columnar storage, which takes no DELETE: the access method may have any name, its handler is
/// a member of that extension.
pub fn is_columnar_of_citus(relation: &Relation) -> bool {
    if relation.kind() != RelationKind::Table || relation.is_heap() {
        return false;
    }
    // SAFETY: reads the open relation's entry, and catalogs; a missing extension is no ERROR.
    unsafe {
        let of =
            pg_sys::getExtensionOfObject(pg_sys::ProcedureRelationId, relation.data().rd_amhandler);
        of != pg_sys::InvalidOid
            && of == pg_sys::get_extension_oid(c"citus_columnar".as_ptr(), true)
    }
}

/// The name of a relation, without its schema; its oid where it does not exist.
pub fn relation_name(oid: pg_sys::Oid) -> String {
    // SAFETY: a catalog look-up; the copy is palloc'd and copied again.
    unsafe {
        let name = pg_sys::get_rel_name(oid);
        if name.is_null() {
            return u32::from(oid).to_string();
        }
        CStr::from_ptr(name).to_string_lossy().into_owned()
    }
}
