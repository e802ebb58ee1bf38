"""Looks below the records of a PostgreSQL journal: catalogue, indexes, and what stands beside."""

from collections.abc import Iterator
from typing import NamedTuple

from psycopg import sql

from router.journal.stores.postgres_database import Link, version_of
from router.journal.stores.rows import lost

_TABLES = ("context", "migration", "record", "state")
_STATE = {"probes": 1, "subjects_after": 2}


class _Part(NamedTuple):
    """A column, index or constraint as the migrations make it.

    Attributes:
        name: table and column, or index.
        told: what PostgreSQL tells of it.
        since: the version of the schema in which it came.
    """

    name: str
    told: str
    since: int = 1


# Told by a test that makes them, so that none is forgotten here.
_COLUMNS = (
    _Part("context.digest", "bytea not null"),
    _Part("context.document", "text not null"),
    _Part("context.id", "bigint not null identity d"),
    _Part("migration.applied_at", "bigint not null"),
    _Part("migration.version", "bigint not null"),
    _Part("record.about", "bytea"),
    _Part("record.caller", "text not null default ''::text", 3),
    _Part("record.claim", "text"),
    _Part("record.commitment", "bytea not null"),
    _Part("record.context", "bigint not null"),
    _Part("record.head", "bytea not null"),
    _Part("record.id", "bytea not null"),
    _Part("record.kind", "text not null"),
    _Part("record.payload", "bytea"),
    _Part("record.salt", "bytea"),
    _Part("record.seq", "bigint not null"),
    _Part("record.subject", "bytea", 2),
    _Part("record.version", "smallint not null", 3),
    _Part("record.written_at", "bigint not null"),
    _Part("state.name", "text not null"),
    _Part("state.value", "bigint not null"),
)
_UNIQUE = "CREATE UNIQUE INDEX {} ON {} USING btree ({})"


class _Index(NamedTuple):
    """An index, and what reads all its entries and nothing else."""

    name: str
    table: str
    told: str
    entries: str
    since: int = 1


_INDEXES = (
    _Index("context_digest_key", "context", "digest", "digest >= ''"),
    _Index("context_pkey", "context", "id", f"id >= {-(2**63)}"),
    _Index("migration_pkey", "migration", "version", f"version >= {-(2**63)}"),
    _Index(
        "record_about",
        "record",
        "CREATE INDEX record_about ON record USING btree (about, seq) WHERE (about IS NOT NULL)",
        "about IS NOT NULL",
    ),
    _Index(
        "record_claim",
        "record",
        "CREATE UNIQUE INDEX record_claim ON record USING btree (about, claim) "
        "WHERE (claim IS NOT NULL)",
        "claim IS NOT NULL",
    ),
    _Index("record_id_key", "record", "id", "id >= ''"),
    _Index(
        "record_other",
        "record",
        "CREATE INDEX record_other ON record USING btree (seq) "
        "WHERE (kind <> 'recommendation'::text)",
        "kind <> 'recommendation'",
    ),
    _Index("record_pkey", "record", "seq", f"seq >= {-(2**63)}"),
    _Index(
        "record_review",
        "record",
        "CREATE INDEX record_review ON record USING btree (seq) "
        "WHERE (kind = ANY (ARRAY['review'::text, 'answer'::text]))",
        "kind IN ('review', 'answer')",
        4,
    ),
    _Index(
        "record_subject",
        "record",
        "CREATE INDEX record_subject ON record USING btree (((seq >> 10)), subject) "
        "WHERE (subject IS NOT NULL)",
        "subject IS NOT NULL",
        2,
    ),
    _Index("state_pkey", "state", "name", "name >= ''"),
)
_TELL_COLUMNS = """
SELECT relname || '.' || attname, concat_ws(' ', format_type(atttypid, atttypmod),
    CASE WHEN attnotnull THEN 'not null' END,
    'default ' || pg_get_expr(adbin, adrelid),
    'identity ' || nullif(attidentity::text, ''), 'generated ' || nullif(attgenerated::text, ''),
    'collation ' || (SELECT collname FROM pg_collation c
        WHERE c.oid = attcollation AND collname <> 'default'))
FROM pg_attribute JOIN pg_class r ON r.oid = attrelid
LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
WHERE attrelid = ANY(%s) AND attnum > 0 AND NOT attisdropped"""
_TELL_INDEXES = """
SELECT i.relname, concat_ws(' ',
    replace(pg_get_indexdef(i.oid), quote_ident(nspname) || '.', ''),
    CASE WHEN NOT (indisvalid AND indisready AND indislive AND indimmediate) THEN 'invalid' END)
FROM pg_index JOIN pg_class i ON i.oid = indexrelid JOIN pg_namespace n ON n.oid = i.relnamespace
WHERE indrelid = ANY(%s)"""
# What no migration makes: it could change or hide what is written and read.
_STRANGE = """
SELECT 'trigger ' || tgname FROM pg_trigger WHERE tgrelid = ANY(%(tables)s)
UNION ALL SELECT 'rule ' || rulename FROM pg_rewrite WHERE ev_class = ANY(%(tables)s)
UNION ALL SELECT 'policy ' || polname FROM pg_policy WHERE polrelid = ANY(%(tables)s)
UNION ALL SELECT 'constraint ' || conname FROM pg_constraint WHERE conrelid = ANY(%(tables)s)
    AND (contype NOT IN ('p', 'u', 'n') OR condeferrable OR NOT convalidated)
UNION ALL SELECT 'constraint ' || conname FROM pg_constraint WHERE confrelid = ANY(%(tables)s)
UNION ALL SELECT 'inheritance of ' || inhrelid::regclass FROM pg_inherits
    WHERE inhparent = ANY(%(tables)s) OR inhrelid = ANY(%(tables)s)
UNION ALL SELECT 'kind of ' || relname FROM pg_class WHERE oid = ANY(%(tables)s)
    AND (relkind <> 'r' OR relpersistence <> 'p' OR relrowsecurity OR relforcerowsecurity
         OR relispartition)
UNION ALL SELECT 'search path, in which pg_catalog is not the first'
    WHERE (current_schemas(true))[1] <> 'pg_catalog'"""
_KEYS = {"context": "id", "migration": "version", "record": "seq", "state": "length(name)"}
# By the heap alone, or by an index alone; a bitmap that is kept whole leads to no other row.
_BY_HEAP = (
    "SET LOCAL enable_seqscan = on; SET LOCAL enable_bitmapscan = off; "
    "SET LOCAL enable_indexscan = off; SET LOCAL cpu_operator_cost TO DEFAULT"
)
_BY_INDEX = "SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = on"
# Among few records another index may promise as little work. It leads to other rows too, and what
# would have to be looked at in each of them is made dear.
_BY_THIS_INDEX = (
    "SET LOCAL enable_bitmapscan = off; SET LOCAL enable_indexscan = on; "
    "SET LOCAL cpu_operator_cost = 1e6"
)
_NEITHER = (
    "SET LOCAL enable_indexonlyscan = off; "
    "SET LOCAL work_mem = '512MB'; SET LOCAL max_parallel_workers_per_gather = 0"
)
_DOUBLES = (
    ("context", "digest", "true"),
    ("record", "id", "true"),
    ("record", "seq", "true"),
    ("record", "(about, claim)", "claim IS NOT NULL"),
)


def examine(link: Link) -> Iterator[str]:
    """Tells what is wrong; see `JournalReader.examine`."""
    with link.transaction():
        link.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        version = version_of(link)
        tables = [_regclass(link, name) for name in _TABLES]
        missing = [name for name, oid in zip(_TABLES, tables, strict=True) if oid is None]
        yield from (f"table {name} is missing" for name in missing)
        if missing:
            return
        strange = list(_schema_problems(link, tables, version))
        yield from strange
        # What is not as it was made cannot be read as it was meant.
        if strange:
            return
        yield from _row_problems(link, version)
        yield from _index_problems(link, version)


def _regclass(link: Link, name: str) -> int | None:
    (oid,) = link.execute("SELECT to_regclass(%s)::oid", (name,)).fetchall()[0]
    return None if oid is None else int(oid)


def _schema_problems(link: Link, tables: list[int | None], version: int) -> Iterator[str]:
    columns = {one.name: one.told for one in _COLUMNS if one.since <= version}
    indexes = {one.name: _told(one) for one in _INDEXES if one.since <= version}
    for what, query, expected in (
        ("column", _TELL_COLUMNS, columns),
        ("index", _TELL_INDEXES, indexes),
    ):
        found: dict[str, str] = dict(link.execute(query, (tables,)).fetchall())
        for name in sorted(expected.keys() | found.keys()):
            if name not in found:
                yield f"{what} {name} is missing"
            elif name not in expected:
                yield f"{what} {name} is none of the journal's"
            elif found[name] != expected[name]:
                yield f"{what} {name} was altered: {found[name]}"
    strange = link.execute(_STRANGE, {"tables": tables}).fetchall()
    yield from (f"{name}: none of the journal's" for (name,) in strange)


def _told(index: _Index) -> str:
    if index.told.startswith("CREATE"):
        return index.told
    return _UNIQUE.format(index.name, index.table, index.told)


def _row_problems(link: Link, version: int) -> Iterator[str]:
    numbers = [row[0] for row in link.execute("SELECT version FROM migration ORDER BY 1")]
    if numbers != list(range(1, version + 1)):
        yield f"the list of migrations was altered: {numbers}"

    state = dict(link.execute("SELECT name, value FROM state").fetchall())
    names = {name for name, since in _STATE.items() if since <= version}
    if state.keys() != names:
        yield f"the marks are not {', '.join(sorted(names))}"
    yield from (f"the mark {name} was altered: {at}" for name, at in state.items() if at < 0)

    rows = link.execute("SELECT id, digest, document FROM context").fetchall()
    yield from (f"context {id_} was altered" for id_ in lost(rows))
    # DISTINCT: else each record's number is held, or all records are read for every context.
    unused = "SELECT id FROM context WHERE id NOT IN (SELECT DISTINCT context FROM record)"
    yield from (f"context {id_} belongs to no record" for (id_,) in link.execute(unused))


def _index_problems(link: Link, version: int) -> Iterator[str]:
    """Compares what each index leads to with what lies in its table."""
    link.execute(_NEITHER)
    for index in _INDEXES:
        if index.since > version:
            continue
        query = _counted(index)
        link.execute(_BY_HEAP)
        in_table = link.execute(query).fetchall()
        if not any(_reads_by(link, index, query, way) for way in (_BY_INDEX, _BY_THIS_INDEX)):
            yield f"index {index.name} could not be read by itself, and was not compared"
        elif link.execute(query).fetchall() != in_table:
            yield f"index {index.name} is damaged: it does not lead to all rows"

    link.execute(_BY_HEAP)
    for table, columns, where in _DOUBLES:
        query = sql.SQL("SELECT count(*) - count(DISTINCT {}) FROM {} WHERE {}").format(
            sql.SQL(columns), sql.Identifier(table), sql.SQL(where)
        )
        (doubles,) = link.execute(query).fetchall()[0]
        if doubles:
            yield f"{table}: {doubles} rows have a {columns} that another one has"


def _reads_by(link: Link, index: _Index, query: sql.Composed, way: str) -> bool:
    """Sets a way to read, and tells whether a query then goes by this index."""
    link.execute(way)
    plan = " ".join(line for (line,) in link.execute(sql.SQL("EXPLAIN ") + query))
    return f"Bitmap Index Scan on {index.name} " in plan or f"Scan using {index.name} on" in plan


def _counted(index: _Index) -> sql.Composed:
    key = sql.SQL(_KEYS[index.table])
    return sql.SQL(
        "SELECT count(*), sum({key}), sum(hashint8extended({key}, 16)) FROM {table} WHERE {entries}"
    ).format(key=key, table=sql.Identifier(index.table), entries=sql.SQL(index.entries))
