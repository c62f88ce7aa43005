"""Load jobs of CSV as BigQuery has them: the emulator takes the first line of every file for a header, and loses it."""

from typing import Any, Final

from infra.local.warehouse.parts import Part, replace

_OPTIONS: Final = {"fieldDelimiter": "DELIMITER", "quote": "QUOTE", "nullMarker": "NULLSTR"}
"""Options of a load job, and what DuckDB calls them.

https://cloud.google.com/bigquery/docs/reference/rest/v2/Job#JobConfigurationLoad"""
_TAB: Final = ("tab", "\\t")


def load_csv_as_it_is() -> None:
    """Skip as many lines as `skipLeadingRows` says, none by default; with `autodetect` the emulator goes on looking for a header."""

    def loading(load: Part) -> Part:
        def loaded(path: str, job: Part, ctx: Part) -> None:
            if job.source_format != "CSV" or job.raw_config.get("autodetect"):
                load(path, job, ctx)
                return
            ctx.engine.execute(f"COPY {job.target_ref} FROM ? ({', '.join(copy_options(job.raw_config))})", [path])

        return loaded

    replace("bqemulator.jobs.executor", "_load_path_into_target", loading)


def copy_options(load: dict[str, Any]) -> list[str]:
    r"""The options of DuckDB's COPY for those of a load job.

    >>> copy_options({"skipLeadingRows": "1", "fieldDelimiter": "\\t"})
    ['FORMAT CSV', 'HEADER false', 'SKIP 1', "DELIMITER '\t'"]
    """
    given = {ours: str(load[name]) for name, ours in _OPTIONS.items() if load.get(name) is not None}
    if given.get("DELIMITER") in _TAB:
        given["DELIMITER"] = "\t"
    skipped = int(load.get("skipLeadingRows") or 0)
    return [
        "FORMAT CSV",
        "HEADER false",
        f"SKIP {skipped}",
        *(f"{name} {_quoted(text)}" for name, text in given.items()),
    ]


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
