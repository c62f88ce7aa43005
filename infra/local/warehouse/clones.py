"""`CREATE OR REPLACE TABLE ... CLONE` of the emulator replaces a table, as BigQuery's does."""

from dataclasses import replace as changed
from typing import Final

from infra.local.warehouse.parts import Part, part, replace

_DDL: Final = "bqemulator.versioning.ddl"
_REPLACING: Final = "OR REPLACE"


def replace_by_clones() -> None:
    """Drop the table that a clone is to replace, before the clone is made.

    The emulator reads `OR REPLACE` and refuses the statement all the same where there is a table. What is parsed has no place for
    it: it is kept where materialized views have their query.
    """
    clone = part(_DDL, "VersioningDDLKind.CREATE_CLONE")
    quoted = part("bqemulator.storage.sql_identifiers", "quoted_table_ref")

    def parsing(parse: Part) -> Part:
        def parsed(self: Part, sql: str) -> Part:
            found = parse(self, sql)
            replacing = found is not None and found.kind is clone and _REPLACING in " ".join(sql.upper().split()[:3])
            return changed(found, view_query=_REPLACING) if replacing else found

        return parsed

    def executing(execute: Part) -> Part:
        async def executed(ddl: Part, ctx: Part) -> None:
            target = ddl.target_project, ddl.target_dataset, ddl.target_table
            if ddl.kind is clone and ddl.view_query and ctx.catalog.get_table(*target) is not None:
                async with ctx.engine.write_lock():
                    ctx.engine.execute(f"DROP TABLE IF EXISTS {quoted(*target)}")
                    ctx.catalog.delete_table(*target)
            await execute(ddl, ctx)

        return executed

    replace(_DDL, "VersioningDDLRouter.parse", parsing)
    replace("bqemulator.jobs.executor", "execute_versioning_ddl", executing)
