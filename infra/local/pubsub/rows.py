"""Messages as rows of a table: https://cloud.google.com/pubsub/docs/bigquery#properties.

The table's schema becomes a msgspec type, so that one pass over the bytes says whether a message fits, and if not,
where.
"""

import base64
from collections.abc import Sequence
from datetime import date, datetime, time
from decimal import Decimal
from typing import Annotated, Any

import msgspec

from infra.local.pubsub.backlog import Item
from infra.local.pubsub.wire import Proto

_Int = (
    Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
    | Annotated[str, msgspec.Meta(pattern=r"^[+-]?[0-9]{1,19}$")]
)
_NUMBER = r"^([+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?|[+-]?(NaN|Infinity|inf|nan))$"
_TYPES: dict[str, Any] = {
    "STRING": str,
    "BYTES": bytes,
    "INTEGER": _Int,
    "FLOAT": float | Annotated[str, msgspec.Meta(pattern=_NUMBER)],
    "NUMERIC": Decimal,
    "BIGNUMERIC": Decimal,
    "BOOLEAN": bool | Annotated[str, msgspec.Meta(pattern=r"^(?i:true|false)$")],
    "TIMESTAMP": datetime,
    "DATETIME": Annotated[datetime, msgspec.Meta(tz=False)],
    "DATE": date,
    "TIME": time,
    "GEOGRAPHY": str,
    "JSON": Any,
}
_ALIASES = {"INT64": "INTEGER", "FLOAT64": "FLOAT", "BOOL": "BOOLEAN", "STRUCT": "RECORD", "DECIMAL": "NUMERIC"}
_METADATA = frozenset({"subscription_name", "message_id", "publish_time", "attributes", "data"})

_encoder = msgspec.json.Encoder()


class MisfitError(Exception):
    """A message that does not fit the table."""


class RowFormat:
    """How the messages of one subscription become rows.

    Args:
        schema: the table's columns, from google-cloud-bigquery.
        config: the subscription.
    """

    def __init__(self, schema: Sequence[Any], config: Proto) -> None:
        bigquery = config.bigquery_config
        self._subscription = config.name
        self._metadata = bigquery.write_metadata
        self._data_type = next((_type_name(column) for column in schema if column.name == "data"), "STRING")
        self._decoder: msgspec.json.Decoder[Any] | None = None
        if bigquery.use_table_schema:
            columns = [column for column in schema if not (self._metadata and column.name in _METADATA - {"data"})]
            self._decoder = msgspec.json.Decoder(_struct(columns, drop=bigquery.drop_unknown_fields))

    def row(self, item: Item) -> bytes:
        """The row as JSON.

        Raises:
            MisfitError: the message does not fit; says where and why.
        """
        if self._decoder is None:
            return _encoder.encode({"data": self._raw(item)} | self._about(item))
        try:
            row = self._decoder.decode(item.message.data)
        except (msgspec.MsgspecError, UnicodeDecodeError, ValueError) as error:
            raise MisfitError(str(error)) from error
        return _encoder.encode(msgspec.to_builtins(row) | self._about(item) if self._metadata else row)

    def _raw(self, item: Item) -> str:
        data: bytes = item.message.data
        if self._data_type == "BYTES":
            return base64.b64encode(data).decode()
        try:
            return data.decode()
        except UnicodeDecodeError as error:
            raise MisfitError(f"data: {error}") from error

    def _about(self, item: Item) -> dict[str, str]:
        if not self._metadata:
            return {}
        message = item.message
        attributes = dict(message.attributes)
        if message.ordering_key:
            attributes["ordering_key"] = message.ordering_key
        return {
            "subscription_name": self._subscription,
            "message_id": message.message_id,
            "publish_time": message.publish_time.ToJsonString(),
            "attributes": _encoder.encode(attributes).decode(),
        }


def _type_name(column: Any) -> str:  # noqa: ANN401 - google-cloud-bigquery carries no types
    return str(_ALIASES.get(column.field_type, column.field_type))


def _struct(columns: Sequence[Any], *, drop: bool) -> type[msgspec.Struct]:
    # A column may be called what Python does not allow, so the fields are numbered and renamed.
    fields = [(f"column_{index}", *_field(column, drop=drop)) for index, column in enumerate(columns)]
    names = {f"column_{index}": column.name for index, column in enumerate(columns)}
    return msgspec.defstruct(
        "Row", fields, rename=names, kw_only=True, omit_defaults=True, gc=False, forbid_unknown_fields=not drop
    )


def _field(column: Any, *, drop: bool) -> tuple[Any, ...]:  # noqa: ANN401 - see above
    name = _type_name(column)
    plain: Any = _struct(column.fields, drop=drop) if name == "RECORD" else _TYPES.get(name, str)
    if column.mode == "REPEATED":
        return list.__class_getitem__(plain), msgspec.field(default_factory=list)
    if column.mode == "REQUIRED":
        return (plain,)
    return plain | None if plain is not Any else Any, None
