//! What makes an object what it is, so that it is told from others in a copy of the database, where its oid is another.

use super::super::spi::{self, Argument};
use super::names::{PARTS, first_of_others};
use super::{Kind, Objects};
use pgrx::pg_sys;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// How an object is told from others in a copy of the database: what kind it is, and what makes it what it is.
pub type Definition = Vec<String>;

/// Those of what an expression refers to, in the order in which it does: of what it names, and of the types of values of which it
/// makes names. What a type is made of has definitions of its own behind the type's.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Definitions {
    pub named: Vec<Definition>,
    pub by_name: Vec<Definition>,
}

/// What a dump writes otherwise where it is restored, of an expression: parentheses, and the casts of what stands in a list.
const UNSTABLE: &str = r"[()\s]|::(character varying|text|bpchar)(\[\])?";

impl Objects {
    /// What each of them is; `None` where that cannot be told of one.
    pub fn definitions(&self) -> Option<Definitions> {
        if self.has_others {
            return None;
        }
        if self.told.is_empty() && self.read_by_name.is_empty() {
            return Some(Definitions::default());
        }
        let types: Vec<_> = self
            .told(Kind::Type)
            .chain(self.read_by_name.iter().copied())
            .collect();
        let oids = |kind| Argument::oids(&self.told(kind).collect::<Vec<_>>());
        let rows: Vec<(String, pg_sys::Oid, String)> = spi::query(
            &format!(
                "{PARTS} SELECT d.kind, d.oid, d.definition::pg_catalog.text FROM ( \
                 SELECT 'type' AS kind, p.whole AS oid, CASE t.typtype \
                 WHEN 'e' THEN pg_catalog.jsonb_build_array('labels') OPERATOR(pg_catalog.||) (SELECT coalesce(pg_catalog.jsonb_agg( \
                 e.enumlabel ORDER BY e.enumsortorder), '[]'::pg_catalog.jsonb) FROM pg_catalog.pg_enum e WHERE e.enumtypid OPERATOR(pg_catalog.=) t.oid) \
                 WHEN 'c' THEN pg_catalog.jsonb_build_array('attributes') OPERATOR(pg_catalog.||) (SELECT coalesce(pg_catalog.jsonb_agg( \
                 pg_catalog.format('%s %s', a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod)) ORDER BY a.attnum), '[]'::pg_catalog.jsonb) \
                 FROM pg_catalog.pg_attribute a WHERE a.attrelid OPERATOR(pg_catalog.=) t.typrelid \
                 AND a.attnum OPERATOR(pg_catalog.>) 0 AND NOT a.attisdropped) \
                 WHEN 'd' THEN pg_catalog.jsonb_build_array('domain', pg_catalog.format_type(t.typbasetype, t.typtypmod)) \
                 WHEN 'b' THEN pg_catalog.jsonb_build_array('type', (SELECT i.prosrc FROM pg_catalog.pg_proc i WHERE i.oid OPERATOR(pg_catalog.=) t.typinput)) \
                 ELSE pg_catalog.jsonb_build_array('range', (SELECT pg_catalog.format_type(r.rngsubtype, NULL) FROM pg_catalog.pg_range r \
                 WHERE r.rngtypid OPERATOR(pg_catalog.=) t.oid OR r.rngmultitypid OPERATOR(pg_catalog.=) t.oid)) END AS definition \
                 FROM parts p JOIN pg_catalog.pg_type t ON t.oid OPERATOR(pg_catalog.=) p.type \
                 UNION ALL SELECT 'function', f.oid, pg_catalog.jsonb_build_array('function', pg_catalog.md5(pg_catalog.concat_ws(' ', l.lanname, \
                 f.prosrc, f.probin, pg_catalog.pg_get_function_arguments(f.oid), pg_catalog.pg_get_function_result(f.oid), f.proisstrict, \
                 f.prosecdef, f.provolatile, f.proconfig, pg_catalog.regexp_replace(pg_catalog.pg_get_function_sqlbody(f.oid), $5, '', 'g')))) \
                 FROM pg_catalog.pg_proc f JOIN pg_catalog.pg_language l ON l.oid OPERATOR(pg_catalog.=) f.prolang \
                 WHERE f.oid OPERATOR(pg_catalog.=) ANY ($3::pg_catalog._oid) \
                 UNION ALL SELECT 'collation', c.oid, pg_catalog.jsonb_build_array('collation', c.collprovider, c.collisdeterministic::pg_catalog.text, \
                 c.collcollate, c.collctype, coalesce(pg_catalog.to_jsonb(c) OPERATOR(pg_catalog.->>) 'colllocale', \
                 pg_catalog.to_jsonb(c) OPERATOR(pg_catalog.->>) 'colliculocale')) \
                 FROM pg_catalog.pg_collation c WHERE c.oid OPERATOR(pg_catalog.=) ANY ($4::pg_catalog._oid) \
                 UNION ALL SELECT 'operator', o.oid, pg_catalog.jsonb_build_array('operator', f.proname, pg_catalog.format_type(o.oprleft, NULL), \
                 pg_catalog.format_type(o.oprright, NULL)) \
                 FROM pg_catalog.pg_operator o JOIN pg_catalog.pg_proc f ON f.oid OPERATOR(pg_catalog.=) o.oprcode \
                 WHERE o.oid OPERATOR(pg_catalog.=) ANY ($6::pg_catalog._oid)) AS d \
                 ORDER BY d.definition"
            ),
            &[
                Argument::oids(&types),
                first_of_others(),
                oids(Kind::Function),
                oids(Kind::Collation),
                Argument::text(UNSTABLE),
                oids(Kind::Operator),
            ],
        );
        let mut found: HashMap<(String, pg_sys::Oid), Vec<Definition>> = HashMap::new();
        for (kind, oid, definition) in rows {
            let words: Vec<Option<String>> = serde_json::from_str(&definition).ok()?;
            let words = words.into_iter().map(Option::unwrap_or_default).collect();
            found.entry((kind, oid)).or_default().push(words);
        }
        let all = |of: &[(Kind, pg_sys::Oid)]| {
            let found = of
                .iter()
                .filter_map(|(kind, oid)| found.get(&(kind.word().to_owned(), *oid)));
            found.flatten().cloned().collect()
        };
        let by_name = self.read_by_name.iter().map(|of| (Kind::Type, *of));
        Some(Definitions {
            named: all(&self.told),
            by_name: all(&by_name.collect::<Vec<_>>()),
        })
    }
}
