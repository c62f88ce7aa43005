"""Google's own GoogleSQL analyser (WebAssembly), told of the tables, for statements as BigQuery would take them.

Compiling it takes 25 s of a processor. So what is compiled stays in the virtual environment; run as a program this compiles it.
"""

import functools
import os
import re
import sys
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from wasmtime import Config
from zetasql.api import CatalogBuilder, TableBuilder, TypeFactory
from zetasql.core import wasm_client
from zetasql.core.local_service import ZetaSqlLocalService, local_service_pb2
from zetasql.types import (
    AnalyzeRequest,
    AnalyzerOptions,
    LanguageFeature,
    LanguageOptions,
    ProductMode,
    ResolvedNodeKind,
    SimpleCatalog,
    SimpleTable,
    Type,
    TypeKind,
    ZetaSQLBuiltinFunctionOptions,
)

from functions.adapters.warehouse import _parameter
from infra.local.warehouse import TableDefinition, ViewDefinition, read_definitions, read_views

_CACHE = Path(sys.prefix) / "wasmtime"
_KINDS = (
    ResolvedNodeKind.RESOLVED_QUERY_STMT,
    ResolvedNodeKind.RESOLVED_INSERT_STMT,
    ResolvedNodeKind.RESOLVED_MERGE_STMT,
    ResolvedNodeKind.RESOLVED_DELETE_STMT,
    ResolvedNodeKind.RESOLVED_CREATE_SNAPSHOT_TABLE_STMT,
    ResolvedNodeKind.RESOLVED_CREATE_TABLE_STMT,
    ResolvedNodeKind.RESOLVED_DROP_SNAPSHOT_TABLE_STMT,
    ResolvedNodeKind.RESOLVED_DROP_STMT,
)
_FEATURES = (LanguageFeature.FEATURE_CREATE_SNAPSHOT_TABLE, LanguageFeature.FEATURE_CREATE_TABLE_CLONE)
"""What BigQuery has, and the analyser takes for experimental."""
_SCHEMA = {
    "COLUMNS": ("table_name", "column_name", "data_type", "is_partitioning_column"),
    "TABLES": ("table_name", "table_type"),
}
"""Columns of views of `INFORMATION_SCHEMA`, all of them texts
(https://docs.cloud.google.com/bigquery/docs/information-schema-columns, -tables)."""


class _Cached(Config):
    """A configuration that keeps what it compiles."""

    def __init__(self) -> None:
        super().__init__()
        _CACHE.mkdir(exist_ok=True)
        settings = _CACHE / f"{os.getpid()}.toml"  # which another process does not read half written
        settings.write_text(f'[cache]\ndirectory = "{_CACHE / "compiled"}"\n')
        self.cache = str(settings)
        settings.unlink()


wasm_client.Config = _Cached


class GoogleSql:
    """Analyses statements against tables.

    The analyser is given the tables once, and its answers stay as they are on the wire: making objects of either takes two thirds of
    the time of a statement.

    Args:
        definitions: the tables there are.
    """

    def __init__(self, definitions: Sequence[TableDefinition]) -> None:
        self._language = LanguageOptions.maximum_features()
        self._language.product_mode = ProductMode.PRODUCT_EXTERNAL
        self._language.supported_statement_kinds = [int(kind) for kind in _KINDS]
        self._language.enabled_language_features = [*self._language.enabled_language_features, *_FEATURES]
        functions = ZetaSQLBuiltinFunctionOptions(language_options=self._language)
        catalog = CatalogBuilder("project").with_builtin_functions(functions).build()
        catalog.catalog = _datasets(definitions)
        # BigQuery also takes a path within one pair of backticks, as in `dataset.table`.
        catalog.table = [_table(definition, definition.id) for definition in definitions]
        self._service = ZetaSqlLocalService.get_instance()
        self._registered = self._service.register_catalog(simple_catalog=catalog).registered_id

    def analyse(self, sql: str, parameters: dict[str, Any]) -> Any:
        """The statement as resolved, an `AnyResolvedStatementProto`; raises zetasql's error where BigQuery would refuse it."""
        declared = [
            AnalyzerOptions.QueryParameter(name=name, type=_parameter_type(name, value))
            for name, value in parameters.items()
        ]
        options = AnalyzerOptions(language_options=self._language, query_parameters=declared)
        request = AnalyzeRequest(sql_statement=sql, options=options, registered_catalog_id=self._registered)
        answer = self._service.wasm_client.call_grpc_func(
            "ZetaSqlLocalService_Analyze", request.to_proto(), local_service_pb2.AnalyzeResponse
        )
        return answer.resolved_statement


@functools.cache
def of_the_deployment() -> GoogleSql:
    """The analyser with all tables and views of the deployment, made once a process: that takes most of a second."""
    return GoogleSql(with_views(read_definitions(), read_views()))


def with_views(definitions: Sequence[TableDefinition], views: Iterable[ViewDefinition]) -> tuple[TableDefinition, ...]:
    """The tables, and each view as the first table that it reads with the columns that it selects."""
    tables = {definition.id: definition for definition in definitions}
    alone = GoogleSql(definitions)
    found = []
    for view in views:
        sources = [tables[name] for name in re.findall(r"`\{project\}\.([\w.]+)`", view.query)]
        columns = {column["name"]: column for source in sources for column in source.schema}
        resolved = alone.analyse(view.query.replace("{project}.", ""), {})
        listed = resolved.resolved_query_stmt_node.output_column_list
        selected = tuple(columns.get(column.name) or _computed(column) for column in listed)
        found.append(replace(sources[0], name=view.name, schema=selected))
    return (*definitions, *found)


def _computed(column: Any) -> dict[str, Any]:
    """A column that a view computes."""
    kind = TypeKind(column.column.type.type_kind).name.removeprefix("TYPE_")
    return {"name": column.name, "type": kind, "mode": "NULLABLE"}


def _datasets(definitions: Iterable[TableDefinition]) -> list[SimpleCatalog]:
    tables = defaultdict(list)
    for definition in definitions:
        tables[definition.dataset].append(_table(definition, definition.name))
    return [SimpleCatalog(name=name, table=found, catalog=[_information_schema()]) for name, found in tables.items()]


def _information_schema() -> SimpleCatalog:
    column = {"type": "STRING", "mode": "NULLABLE"}
    views = [_named(view, [column | {"name": name} for name in names]) for view, names in _SCHEMA.items()]
    return SimpleCatalog(name="INFORMATION_SCHEMA", table=views)


def _table(definition: TableDefinition, name: str) -> SimpleTable:
    return _named(name, definition.schema)


def _named(name: str, schema: Iterable[dict[str, Any]]) -> SimpleTable:
    builder = TableBuilder(name)
    for column in schema:
        builder.add_column(column["name"], _column_type(column))
    return builder.build()


def _column_type(column: dict[str, Any]) -> Type:
    """The type of a column, as a table's definition spells it."""
    if column["type"] == "RECORD":
        found = TypeFactory.create_struct_type([(part["name"], _column_type(part)) for part in column["fields"]])
    else:
        found = TypeFactory.create_simple_type(TypeKind[f"TYPE_{_spelt(column['type'])}"])
    return TypeFactory.create_array_type(found) if column["mode"] == "REPEATED" else found


def _parameter_type(name: str, value: object) -> Type:
    return _type(_parameter(name, value).to_api_repr()["parameterType"])


def _type(spelt: dict[str, Any]) -> Type:
    """A parameter's type, as the client sends it, in the analyser's terms."""
    if spelt["type"] == "ARRAY":
        return TypeFactory.create_array_type(_type(spelt["arrayType"]))
    if spelt["type"] == "STRUCT":
        return TypeFactory.create_struct_type([(part["name"], _type(part["type"])) for part in spelt["structTypes"]])
    return TypeFactory.create_simple_type(TypeKind[f"TYPE_{_spelt(spelt['type'])}"])


def _spelt(name: str) -> str:
    return {"FLOAT64": "DOUBLE"}.get(name, name)


if __name__ == "__main__":
    GoogleSql([]).analyse("SELECT 1", {})
