"""The parser of DDL: Hive's statements as Athena supports them. Its result is a command.

An unsupported clause is refused by its name. No clause is skipped.
Source: https://docs.aws.amazon.com/athena/latest/ug/ddl-reference.html
"""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import pairwise

from localaws.athena.ddl.commands import (
    AddColumns,
    AddPartitions,
    Buckets,
    ChangeColumn,
    Command,
    CreateDatabase,
    CreateIcebergTable,
    CreateTable,
    Describe,
    DropColumn,
    DropDatabase,
    DropPartitions,
    DropTable,
    DropView,
    PartitionSpec,
    RenamePartition,
    RenameTable,
    RepairTable,
    ReplaceColumns,
    SetDatabaseProperties,
    SetLocation,
    SetTableProperties,
    ShowColumns,
    ShowCreateTable,
    ShowCreateView,
    ShowDatabases,
    ShowPartitions,
    ShowTableProperties,
    ShowTables,
    ShowViews,
    Storage,
    TableName,
    UnsetTableProperties,
    Vacuum,
)
from localaws.athena.ddl.tokens import StatementToken, tokenize
from localaws.athena.errors import MalformedQuery, QueryFailed, not_supported
from localaws.athena.tables.catalog import TableColumn
from localaws.athena.tables.formats import FORMATS, JSON_OUTPUT_FORMAT, OPENX_JSON_SERDE, SERDES, TEXTFILE
from localaws.athena.tables.iceberg_partitions import PartitionField

# Reserved words, which are names only in backticks. Source: https://docs.aws.amazon.com/athena/latest/ug/reserved-words.html
_RESERVED = frozenset(
    """
    ALL ALTER AND ARRAY AS AUTHORIZATION BETWEEN BIGINT BINARY BOOLEAN BOTH BY CASE CASHE CAST CHAR COLUMN CONF
    CONSTRAINT COMMIT CREATE CROSS CUBE CURRENT CURRENT_DATE CURRENT_TIMESTAMP CURSOR DATABASE DATE DAYOFWEEK DECIMAL
    DELETE DESCRIBE DISTINCT DIV DOUBLE DROP ELSE END EXCHANGE EXISTS EXTENDED EXTERNAL EXTRACT FALSE FETCH FLOAT
    FLOOR FOLLOWING FOR FOREIGN FROM FULL FUNCTION GRANT GROUP GROUPING HAVING IF IMPORT IN INNER INSERT INT INTEGER
    INTERSECT INTERVAL INTO IS JOIN LATERAL LEFT LESS LIKE LOCAL MACRO MAP MORE NONE NOT NULL NUMERIC OF ON ONLY OR
    ORDER OUT OUTER OVER PARTIALSCAN PARTITION PERCENT PRECEDING PRECISION PRESERVE PRIMARY PROCEDURE RANGE READS
    REDUCE REGEXP REFERENCES REVOKE RIGHT RLIKE ROLLBACK ROLLUP ROW ROWS SELECT SET SMALLINT START TABLE TABLESAMPLE
    THEN TIME TIMESTAMP TO TRANSFORM TRIGGER TRUE TRUNCATE UNBOUNDED UNION UNIQUEJOIN UPDATE USER USING UTC_TIMESTAMP
    VALUES VARCHAR VIEWS WHEN WHERE WINDOW WITH
    """.split()  # noqa: SIM905 - a word list
)
_BARE_NAME = re.compile(r"[A-Za-z]\w*", re.ASCII)
# As in Hive's BaseSemanticAnalyzer.unescapeSQLString. After a backslash, any other character means itself.
_ESCAPES = {"0": "\0", "b": "\b", "n": "\n", "r": "\r", "t": "\t", "Z": "\x1a", "%": "\\%", "_": "\\_"}
_ESCAPED = re.compile(r"\\(?:u([0-9a-fA-F]{4})|([0-3][0-7]{2})|(.))", re.DOTALL)
_AS_QUERY = {("AS", word) for word in ("SELECT", "WITH", "VALUES", "TABLE", "(")}
_REFUSED_CLAUSES = {"SKEWED", "AS", "LIKE"}
# The clauses of ROW FORMAT DELIMITED in their order, each with the property of LazySimpleSerDe that it sets.
_DELIMITERS = (
    (("FIELDS", "TERMINATED", "BY"), "field.delim"),
    (("COLLECTION", "ITEMS", "TERMINATED", "BY"), "colelction.delim"),  # Hive's spelling
    (("MAP", "KEYS", "TERMINATED", "BY"), "mapkey.delim"),
    (("LINES", "TERMINATED", "BY"), "line.delim"),
    (("NULL", "DEFINED", "AS"), "serialization.null.format"),
)


def without_backquotes(name: str) -> str:
    """Return the name without its backticks, if it has any."""
    return name[1:-1].replace("``", "`") if len(name) > 1 and name[0] == name[-1] == "`" else name


def backquoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


def hive_string(text: str) -> str:
    """Return the text as a string literal of DDL, in one line. ``parse_ddl`` reads the same text from it."""
    for character, escaped in (("\\", "\\\\"), ("'", "\\'"), ("\n", "\\n"), ("\r", "\\r"), ("\t", "\\t")):
        text = text.replace(character, escaped)
    return "'" + re.sub(r"[\x00-\x1f\x7f]", lambda found: f"\\u{ord(found[0]):04x}", text) + "'"


def parse_ddl(text: str) -> Command:
    """Raises MalformedQuery for a syntax error, and QueryFailed for a part that is not supported."""
    parser = _Parser(tokenize(text))
    command = parser.command()
    parser.end()
    return command


class _Parser:
    def __init__(self, tokens: list[StatementToken]) -> None:
        self._tokens = tokens
        self._at = 0

    def command(self) -> Command:  # noqa: PLR0911 - one return for each verb
        if self._take("CREATE"):
            return self._create()
        if self._take("DROP"):
            return self._drop()
        if self._take("MSCK"):
            self._expect("REPAIR")
            self._expect("TABLE")
            return RepairTable(self._table_name())
        if self._take("VACUUM"):
            return Vacuum(self._table_name())
        if self._take("ALTER"):
            return self._alter()
        if self._take("SHOW"):
            return self._show()
        if self._take("DESCRIBE") or self._take("DESC"):
            return self._describe()
        raise not_supported(f"{self._next()} statements")

    def end(self) -> None:
        if self._at < len(self._tokens):
            raise self._mismatch()

    # ---------------------------------------------------------------- statements
    def _create(self) -> Command:
        if self._take("DATABASE") or self._take("SCHEMA"):
            return self._create_database()
        if self._take("EXTERNAL"):
            self._expect("TABLE")
            return self._create_table()
        if self._next() == "TABLE":
            words = [token.keyword for token in self._tokens]
            if any(pair in _AS_QUERY for pair in pairwise(words)):
                raise not_supported("CREATE TABLE AS SELECT")
            self._expect("TABLE")
            return self._create_iceberg_table()
        raise not_supported(f"CREATE {self._next()}")

    def _create_database(self) -> CreateDatabase:
        if_not_exists = self._if_not_exists()
        name, comment, location, properties = self._name(), None, None, {}
        if "." in name:
            raise not_supported(f"the database name {backquoted(name)}")
        while self._at < len(self._tokens):
            if self._take("COMMENT"):
                comment = self._string()
            elif self._take("LOCATION"):
                location = self._string()
            elif self._take("WITH"):
                self._expect("DBPROPERTIES")
                properties = self._properties()
            else:
                raise self._mismatch()
        return CreateDatabase(name, if_not_exists, comment, location, properties)

    def _create_table(self) -> CreateTable:  # noqa: PLR0912 - one branch for each clause
        if_not_exists = self._if_not_exists()
        name = self._table_name()
        columns = self._columns() if self._next() == "(" else ()
        comment, location, buckets = None, None, None
        partition_keys: tuple[TableColumn, ...] = ()
        serde: str | None = None
        classes: tuple[str, str] | None = None
        properties: dict[str, str] = {}
        serde_properties: dict[str, str] = {}
        seen: set[str] = set()
        while self._at < len(self._tokens):
            clause = self._next()
            if clause in seen:
                raise self._mismatch()
            seen.add(clause)
            if self._take("COMMENT"):
                comment = self._string()
            elif self._take("PARTITIONED"):
                self._expect("BY")
                partition_keys = self._columns()
            elif self._take("CLUSTERED"):
                buckets = self._buckets()
            elif self._take("STORED"):
                file_format, classes = self._file_format()
                serde = serde or file_format
            elif self._take("ROW"):
                self._expect("FORMAT")
                given, serde_properties = self._row_format()
                serde = given or serde
            elif self._take("WITH"):
                self._expect("SERDEPROPERTIES")
                serde_properties |= self._properties()
            elif self._take("LOCATION"):
                location = self._string()
            elif self._take("TBLPROPERTIES"):
                properties = self._properties()
            elif clause in _REFUSED_CLAUSES:
                raise not_supported(f"CREATE EXTERNAL TABLE ... {clause}")
            else:
                raise self._mismatch()
        if location is None:
            raise QueryFailed(
                "FAILED: SemanticException table location must be set: add LOCATION 's3://bucket/folder/'"
            )
        if not columns:
            raise QueryFailed("FAILED: SemanticException the table has no columns")
        if properties.get("table_type", "").upper() == "ICEBERG":
            raise QueryFailed("External keyword not supported for table type ICEBERG")
        storage = _storage(serde, classes, serde_properties)
        return CreateTable(
            name, if_not_exists, columns, partition_keys, location, comment, properties, storage, buckets
        )

    def _create_iceberg_table(self) -> CreateIcebergTable:
        """Source: https://docs.aws.amazon.com/athena/latest/ug/querying-iceberg-creating-tables.html"""
        if_not_exists = self._if_not_exists()
        name, columns = self._table_name(), self._columns()
        comment = self._string() if self._take("COMMENT") else None
        partitioning: list[PartitionField] = []
        if self._take("PARTITIONED"):
            self._expect("BY")
            self._expect("(")
            partitioning.append(self._partition_field())
            while self._take(","):
                partitioning.append(self._partition_field())
            self._expect(")")
        location = self._string() if self._take("LOCATION") else None
        properties = self._properties() if self._take("TBLPROPERTIES") else {}
        if properties.pop("table_type", "").upper() != "ICEBERG":
            raise not_supported("CREATE TABLE without EXTERNAL, unless table_type is ICEBERG")
        return CreateIcebergTable(
            name, if_not_exists, columns, tuple(partitioning), location, comment, properties
        )

    def _partition_field(self) -> PartitionField:
        """A column, ``day(column)`` or ``bucket(16, column)``."""
        if self._next_but_one() != "(":
            return PartitionField(self._name())
        transform, width = self._next().lower(), None  # it may be a reserved word, as truncate is
        self._at += 1
        self._expect("(")
        if self._next().isdecimal():
            width = int(self._next())
            self._at += 1
            self._expect(",")
        column = self._name()
        self._expect(")")
        return PartitionField(column, transform, width)

    def _file_format(self) -> tuple[str | None, tuple[str, str]]:
        """Return the SerDe of the format, if it has one, and the classes of its input and output."""
        self._expect("AS")
        if self._take("INPUTFORMAT"):
            reader = self._string()
            self._expect("OUTPUTFORMAT")
            return None, (reader, self._string())
        found = FORMATS.get(self._next())
        if found is None:
            raise not_supported(f"STORED AS {self._next()}; supported: {', '.join(FORMATS)}")
        self._at += 1
        return found.serde, (found.input, found.output)

    def _row_format(self) -> tuple[str | None, dict[str, str]]:
        """Return the SerDe, if it is named, and its properties."""
        if self._take("SERDE"):
            serde, properties = self._string(), {}
            if serde not in SERDES:
                raise not_supported(f"SERDE {serde}; supported: {', '.join(sorted(SERDES))}")
            if self._take("WITH"):
                self._expect("SERDEPROPERTIES")
                properties = self._properties()
            return serde, properties
        self._expect("DELIMITED")
        return None, self._delimiters()

    def _delimiters(self) -> dict[str, str]:
        """Return the properties of LazySimpleSerDe. Source: rowFormatDelimited in Hive's grammar."""
        found: dict[str, str] = {}
        for words, name in _DELIMITERS:
            if not self._take(words[0]):
                continue
            for word in words[1:]:
                self._expect(word)
            found[name] = self._string()
            if name == "field.delim":
                found["serialization.format"] = found[name]
                if self._take("ESCAPED"):
                    self._expect("BY")
                    found["escape.delim"] = self._string()
            if name == "line.delim" and found[name] not in ("\n", "10"):
                raise QueryFailed(
                    "FAILED: SemanticException LINES TERMINATED BY only supports newline '\\n' right now"
                )
        return found

    def _buckets(self) -> Buckets:
        self._expect("BY")
        columns = self._names()
        ordered: list[tuple[str, int]] = []
        if self._take("SORTED"):
            self._expect("BY")
            self._expect("(")
            while True:
                column = self._name()
                ordered.append((column, 0 if self._take("DESC") else 1))
                self._take("ASC")
                if not self._take(","):
                    break
            self._expect(")")
        self._expect("INTO")
        count = self._next()
        if not count.isdecimal() or int(count) == 0:
            raise self._mismatch("a number of buckets")
        self._at += 1
        self._expect("BUCKETS")
        return Buckets(columns, int(count), tuple(ordered))

    def _names(self) -> tuple[str, ...]:
        self._expect("(")
        found = [self._name()]
        while self._take(","):
            found.append(self._name())
        self._expect(")")
        return tuple(found)

    def _describe(self) -> Command:
        if self._next() in ("DATABASE", "SCHEMA"):
            raise _unsupported_ddl()
        if self._next() == "EXTENDED":
            raise not_supported("DESCRIBE EXTENDED; write FORMATTED")
        formatted = self._take("FORMATTED")
        name = self._table_name()
        partition = self._partition(with_location=False) if self._next() == "PARTITION" else None
        column = self._name() if self._at < len(self._tokens) else None
        return Describe(name, formatted, partition, column)

    def _drop(self) -> Command:
        if self._take("DATABASE") or self._take("SCHEMA"):
            if_exists = self._if_exists()
            name = self._name()
            cascade = self._take("CASCADE")
            if not cascade:
                self._take("RESTRICT")
            return DropDatabase(name, if_exists, cascade)
        if self._take("TABLE"):
            if_exists = self._if_exists()
            return DropTable(self._table_name(), if_exists)
        if self._take("VIEW"):
            if_exists = self._if_exists()
            return DropView(self._view_name(), if_exists)
        raise not_supported(f"DROP {self._next()}")

    def _alter(self) -> Command:  # noqa: PLR0911, PLR0912 - one branch for each form
        if self._take("DATABASE") or self._take("SCHEMA"):
            database = self._name()
            self._expect("SET")
            self._expect("DBPROPERTIES")
            return SetDatabaseProperties(database, self._properties())
        if self._next() != "TABLE":
            raise _unsupported_ddl()
        self._expect("TABLE")
        name = self._table_name()
        if self._next() == "PARTITION":
            return self._alter_partition(name)
        if self._take("ADD"):
            if self._take("COLUMNS"):
                return AddColumns(name, self._columns())
            if_not_exists = self._if_not_exists()
            partitions = [self._partition(with_location=True)]
            while self._at < len(self._tokens):
                partitions.append(self._partition(with_location=True))
            return AddPartitions(name, if_not_exists, tuple(partitions))
        if self._take("DROP"):
            if self._take("COLUMN"):
                return DropColumn(name, self._name())
            if_exists = self._if_exists()
            partitions = [self._partition(with_location=False)]
            while self._take(","):
                partitions.append(self._partition(with_location=False))
            return DropPartitions(name, if_exists, tuple(partitions))
        if self._take("REPLACE"):
            self._expect("COLUMNS")
            return ReplaceColumns(name, self._columns())
        if self._take("CHANGE"):
            self._take("COLUMN")
            return self._change_column(name)
        if self._take("SET"):
            if self._take("LOCATION"):
                return SetLocation(name, self._string(), None)
            if self._take("TBLPROPERTIES"):
                return SetTableProperties(name, self._properties())
        if self._take("UNSET"):
            self._expect("TBLPROPERTIES")
            return UnsetTableProperties(name, self._strings())
        if self._take("RENAME"):
            self._expect("TO")
            return RenameTable(name, self._table_name())
        raise _unsupported_ddl()

    def _alter_partition(self, name: TableName) -> Command:
        partition = self._partition(with_location=False)
        if self._take("RENAME"):
            self._expect("TO")
            return RenamePartition(name, partition, self._partition(with_location=False))
        if self._take("SET") and self._take("LOCATION"):
            return SetLocation(name, self._string(), partition)
        raise _unsupported_ddl()

    def _change_column(self, name: TableName) -> Command:
        old, new = self._name(), self._column(("FIRST", "AFTER"))
        if self._take("FIRST"):
            return ChangeColumn(name, old, new, "")
        return ChangeColumn(name, old, new, self._name() if self._take("AFTER") else None)

    def _show(self) -> Command:  # noqa: PLR0911 - one return for each form
        if self._take("DATABASES") or self._take("SCHEMAS"):
            return ShowDatabases(self._pattern())
        if self._take("TABLES"):
            database = self._name() if self._take("IN") or self._take("FROM") else None
            return ShowTables(database, self._pattern())
        if self._take("PARTITIONS"):
            return ShowPartitions(self._table_name())
        if self._take("COLUMNS"):
            self._in()
            table = self._table_name()
            if self._take("IN") or self._take("FROM"):
                table = TableName(self._name(), table.table)
            if self._next() == "LIKE":
                raise not_supported("SHOW COLUMNS ... LIKE")
            return ShowColumns(table)
        if self._take("VIEWS"):
            database = self._name() if self._take("IN") or self._take("FROM") else None
            return ShowViews(database, self._pattern())
        if self._take("TBLPROPERTIES"):
            table, key = self._table_name(), None
            if self._take("("):
                key = self._string()
                self._expect(")")
            return ShowTableProperties(table, key)
        if self._take("CREATE"):
            if self._take("VIEW"):
                return ShowCreateView(self._view_name())
            if not self._take("TABLE"):
                raise not_supported(f"SHOW CREATE {self._next()}")
            return ShowCreateTable(self._table_name())
        raise not_supported(f"SHOW {self._next()}")

    # ---------------------------------------------------------------- parts
    def _columns(self) -> tuple[TableColumn, ...]:
        self._expect("(")
        found = [self._column()]
        while self._take(","):
            found.append(self._column())
        self._expect(")")
        return tuple(found)

    def _column(self, ends: tuple[str, ...] = ()) -> TableColumn:
        """A column with its type. Words in ``ends`` end it, like a comma."""
        name = self._name()
        parts, depth = [], 0
        while self._at < len(self._tokens):
            word = self._next()
            if depth == 0 and word in (",", ")", "COMMENT", *ends):
                break
            depth += (word in "(<") - (word in ")>")
            parts.append(self._tokens[self._at].text.lower())
            self._at += 1
        if not parts:
            raise self._mismatch()
        return TableColumn(name, "".join(parts), self._string() if self._take("COMMENT") else "")

    def _partition(self, with_location: bool) -> PartitionSpec:
        self._expect("PARTITION")
        self._expect("(")
        values = dict([self._assignment()])
        while self._take(","):
            values |= [self._assignment()]
        self._expect(")")
        location = self._string() if with_location and self._take("LOCATION") else None
        return PartitionSpec(values, location)

    def _assignment(self) -> tuple[str, str]:
        name = self._name()
        self._expect("=")
        if self._at < len(self._tokens) and self._tokens[self._at].kind == "number":
            self._at += 1
            return name, self._tokens[self._at - 1].text
        return name, self._string()

    def _properties(self) -> dict[str, str]:
        self._expect("(")
        found = {}
        while True:
            key = self._string()
            self._expect("=")
            found[key] = self._string()
            if not self._take(","):
                break
        self._expect(")")
        return found

    def _strings(self) -> tuple[str, ...]:
        self._expect("(")
        found = [self._string()]
        while self._take(","):
            found.append(self._string())
        self._expect(")")
        return tuple(found)

    def _pattern(self) -> str | None:
        self._take("LIKE")
        return self._string() if self._at < len(self._tokens) else None

    def _table_name(self) -> TableName:
        """``db.table``: in backticks or not, part by part or as a whole, as SHOW CREATE TABLE prints it."""
        first = self._name()
        if self._take("."):
            table = self._name()
            if self._next() == ".":
                raise not_supported("a catalog in the name of a table")
            return TableName(first, table)
        database, dot, table = first.partition(".")
        if not dot:
            return TableName(None, first)
        if not database or not table or "." in table:
            raise not_supported(f"the table name {backquoted(first)}")
        return TableName(database, table)

    def _view_name(self) -> TableName:
        """The name of a view. As in Trino, it may be in double quotes."""
        for at in (self._at, self._at + 2):
            if at < len(self._tokens) and self._tokens[at].text[:1] == '"':
                text = self._tokens[at].text[1:-1].replace('""', '"')
                self._tokens[at] = replace(self._tokens[at], kind="name", text=backquoted(text))
        return self._table_name()

    def _if_not_exists(self) -> bool:
        if not self._take("IF"):
            return False
        self._expect("NOT")
        self._expect("EXISTS")
        return True

    def _if_exists(self) -> bool:
        if not self._take("IF"):
            return False
        self._expect("EXISTS")
        return True

    def _in(self) -> None:
        if not self._take("IN"):
            self._expect("FROM")

    # ---------------------------------------------------------------- tokens
    def _next(self) -> str:
        return self._tokens[self._at].keyword if self._at < len(self._tokens) else ""

    def _next_but_one(self) -> str:
        return self._tokens[self._at + 1].keyword if self._at + 1 < len(self._tokens) else ""

    def _take(self, keyword: str) -> bool:
        if self._next() != keyword:
            return False
        self._at += 1
        return True

    def _expect(self, keyword: str) -> None:
        if not self._take(keyword):
            raise self._mismatch(keyword)

    def _name(self) -> str:
        """A name, in lower case as in Glue.

        Without backticks, it must begin with a letter and must not be a reserved word. Source:
        https://docs.aws.amazon.com/athena/latest/ug/tables-databases-columns-names.html
        """
        if self._at < len(self._tokens) and self._tokens[self._at].kind == "number":
            raise not_supported("a name that begins with a digit; put it in backticks")
        if self._at == len(self._tokens) or self._tokens[self._at].kind not in ("word", "name"):
            raise self._mismatch("a name")
        token = self._tokens[self._at]
        if token.kind == "word" and (not _BARE_NAME.fullmatch(token.text) or token.keyword in _RESERVED):
            raise self._mismatch(f"a name: write {backquoted(token.text)}")
        self._at += 1
        return without_backquotes(token.text).lower()

    def _string(self) -> str:
        if self._at == len(self._tokens) or self._tokens[self._at].kind != "string":
            raise self._mismatch("a string")
        text = self._tokens[self._at].text
        self._at += 1
        if self._at < len(self._tokens) and self._tokens[self._at].kind == "string":
            raise not_supported(f"two strings in a row, {text}...: in DDL, write a quote in a string as \\'")
        return _ESCAPED.sub(_unescaped, text[1:-1])

    def _mismatch(self, expected: str = "") -> MalformedQuery:
        hint = f" expecting {expected}" if expected else ""
        if self._at == len(self._tokens):
            last = self._tokens[-1]
            return MalformedQuery(
                f"line {last.line}:{last.column + len(last.text)}: mismatched input '<EOF>'{hint}"
            )
        token = self._tokens[self._at]
        return MalformedQuery(f"line {token.line}:{token.column}: mismatched input '{token.text}'{hint}")


def _storage(serde: str | None, classes: tuple[str, str] | None, properties: dict[str, str]) -> Storage:
    """Without STORED AS a table has text files, and without ROW FORMAT SERDE the SerDe of its file format."""
    written = JSON_OUTPUT_FORMAT if serde == OPENX_JSON_SERDE else TEXTFILE.output
    reader, writer = classes or (TEXTFILE.input, written)
    known = next((found for found in FORMATS.values() if found.input == reader), None)
    if known is None:
        raise not_supported(f"INPUTFORMAT {reader}")
    chosen = serde or known.serde
    if SERDES[chosen] != known:
        raise not_supported(f"SERDE {chosen} with files of the format {known.name}")
    return Storage(reader, writer, chosen, {"serialization.format": "1", **properties})


def _unsupported_ddl() -> MalformedQuery:
    """Athena's error for a statement of Hive that it does not have. Source:
    https://docs.aws.amazon.com/athena/latest/ug/unsupported-ddl.html"""
    return MalformedQuery("Queries of this type are not supported")


def _unescaped(escape: re.Match[str]) -> str:
    code_point, octal, character = escape.groups()
    if code_point or octal:
        return chr(int(code_point, 16) if code_point else int(octal, 8))
    return _ESCAPES.get(character, character)
