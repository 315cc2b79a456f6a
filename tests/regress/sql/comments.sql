--
-- What psql shows of the extension: a description of each of its objects, and names that it completes
--
\getenv srcdir PG_ABS_SRCDIR
\set setup :srcdir '/setup.sql'
\i :setup

-- Every object that belongs to the extension, and all that hangs on its tables and views
CREATE TEMPORARY VIEW objects AS
WITH member AS (
    SELECT d.classid, d.objid
    FROM pg_depend AS d
    JOIN pg_extension AS e ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid
    -- From PostgreSQL 17 on, the row types of tables and views are members too; nobody sees their comments.
    WHERE d.deptype = 'e' AND e.extname = 'raw_clear_sessions' AND d.classid <> 'pg_type'::regclass
), relation AS (
    SELECT objid AS oid FROM member WHERE classid = 'pg_class'::regclass
)
SELECT classid, objid, 0 AS objsubid FROM member
UNION ALL
SELECT 'pg_class'::regclass, a.attrelid, a.attnum
FROM pg_attribute AS a JOIN relation AS r ON a.attrelid = r.oid JOIN pg_class AS c ON c.oid = a.attrelid
WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind <> 'S'
UNION ALL
SELECT 'pg_class'::regclass, i.indexrelid, 0 FROM pg_index AS i JOIN relation AS r ON i.indrelid = r.oid
UNION ALL
SELECT 'pg_policy'::regclass, p.oid, 0 FROM pg_policy AS p JOIN relation AS r ON p.polrelid = r.oid;

SELECT CASE WHEN objsubid > 0 THEN 'column' ELSE classid::regclass::text END AS kind, count(*) > 0 AS found
FROM objects GROUP BY kind ORDER BY kind;
SELECT pg_describe_object(classid, objid, objsubid) AS without_comment FROM objects
WHERE coalesce(CASE WHEN objsubid > 0 THEN col_description(objid, objsubid) ELSE obj_description(objid, classid::regclass::name) END, '') = '';
SELECT obj_description(oid, 'pg_extension') FROM pg_extension WHERE extname = 'raw_clear_sessions';

-- One prefix leads to everything: psql completes from it.
SELECT pg_describe_object(classid, objid, objsubid) AS with_another_name FROM objects
WHERE objsubid = 0 AND (pg_identify_object(classid, objid, 0)).identity !~ '(^|\.)raw_clear_sessions'
    AND classid <> ALL ('{pg_policy,pg_cast}'::regclass[]);

DROP VIEW objects;
