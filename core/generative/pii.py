"""Personal data in a text, by patterns and checksums, as a GoogleSQL expression: only which kinds were found leaves the warehouse.

References:
    ISO 13616 (IBAN): country, two check digits, modulo 97. ISO/IEC 7812 (payment cards): Luhn's checksum. E.164 (telephone numbers).
"""

from collections.abc import Collection

from core.generative.literal import texts

CLEAN = "none"
"""What the expression is where nothing was found."""

_EMAIL = r"[A-Za-z0-9._%+\-]+@[A-Za-z0-9\-]+(?:\.[A-Za-z0-9\-]+)*\.[A-Za-z]{2,24}\b"
_PHONE = r"(?:^|[^\w+])(?:\+[1-9]\d{0,2}(?:[ .\-/]?\(?\d{1,4}\)?){2,5}\d{2}|\(\d{3}\) ?\d{3}[ \-]\d{4}|\d{3}-\d{3}-\d{4})(?:$|\D)"
_OCTET = r"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
_IP = rf"(?:^|[^\d.])(?:{_OCTET}\.){{3}}{_OCTET}(?:$|[^\d.]|\.(?:$|\D))|\b(?:[0-9A-Fa-f]{{1,4}}:){{7}}[0-9A-Fa-f]{{1,4}}\b"
# What stands before belongs to the match, but has no digit: the decimals of a number, as in 0.5342…, are no card.
_CARD = r"(?:^|[^\w.]|(?:^|\D)\.)(?:[3-6]\d{3}(?:[ \-]?\d{4}){3}|3[47]\d{2}[ \-]?\d{6}[ \-]?\d{5}|[3-6]\d{12,18})\b"
_IBAN = r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b"
_IBAN_LENGTHS = {
    **dict.fromkeys(("NO",), 15),
    **dict.fromkeys(("BE",), 16),
    **dict.fromkeys(("DK", "FI", "NL"), 18),
    **dict.fromkeys(("SI",), 19),
    **dict.fromkeys(("AT", "EE", "LT", "LU", "XK"), 20),
    **dict.fromkeys(("CH", "HR", "LI", "LV"), 21),
    **dict.fromkeys(("BG", "DE", "GB", "GE", "IE", "ME", "RS"), 22),
    **dict.fromkeys(("AE", "GI", "IL"), 23),
    **dict.fromkeys(("CZ", "ES", "PK", "SA", "SE", "SK", "TN"), 24),
    **dict.fromkeys(("PT",), 25),
    **dict.fromkeys(("IS", "TR"), 26),
    **dict.fromkeys(("FR", "GR", "IT", "MC", "SM"), 27),
    **dict.fromkeys(("AL", "CY", "HU", "LB", "PL"), 28),
    **dict.fromkeys(("MT",), 31),
}
"""Characters of an IBAN by country, from the registry of SWIFT."""
_POWERS = "".join(f"{pow(10, place, 97):02}" for place in range(70))
"""The powers of 10 modulo 97, two digits each, from 1 on; an IBAN has at most 68 digits."""
_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def kinds_sql(column: str, kinds: Collection[str]) -> str:
    """The kinds of personal data that a text holds, in their order with `+` between; `none` where there is none.

    Args:
        column: an expression of a text; of NULL it is `none`.
        kinds: which are looked for, of `email`, `phone`, `iban`, `card` and `ip`.

    >>> kinds_sql("`response`", ["email"])[:48]
    'COALESCE(NULLIF(ARRAY_TO_STRING([IF(IFNULL(REGEX'
    """
    found = {
        "email": f"REGEXP_CONTAINS({column}, r'{_EMAIL}')",
        "phone": f"REGEXP_CONTAINS({column}, r'{_PHONE}')",
        "iban": _iban(column),
        "card": _card(column),
        "ip": f"REGEXP_CONTAINS({column}, r'{_IP}')",
    }
    listed = ", ".join(f"IF(IFNULL({found[kind]}, FALSE), '{kind}', NULL)" for kind in found if kind in kinds)
    return f"COALESCE(NULLIF(ARRAY_TO_STRING([{listed}], '+'), ''), '{CLEAN}')"


def _card(column: str) -> str:
    """Whether there is a number of the length of a card's with Luhn's checksum: every second digit from the right counts twice."""
    digits = "SPLIT(REVERSE(REGEXP_REPLACE(card, r'\\D', '')), '')"
    doubled = f"SELECT CAST(digit AS INT64) * IF(MOD(place, 2) = 1, 2, 1) AS n FROM UNNEST({digits}) AS digit WITH OFFSET AS place"  # noqa: S608 - fixed text
    luhn = f"(SELECT MOD(SUM(DIV(n, 10) + MOD(n, 10)), 10) FROM ({doubled}))"  # noqa: S608 - as above
    return f"EXISTS (SELECT 1 FROM UNNEST(REGEXP_EXTRACT_ALL({column}, r'{_CARD}')) AS card WHERE {luhn} = 0)"  # noqa: S608 - a column of the settings


def _iban(column: str) -> str:
    """Whether there is an IBAN: of the length of its country, and 1 modulo 97 with letters as 10 to 35 and the head at the end."""
    bare = "REPLACE(raw, ' ', '')"
    length = " ".join(
        f"WHEN SUBSTR(raw, 1, 2) IN ({texts(name for name, n in _IBAN_LENGTHS.items() if n == size)}) THEN {size}"
        for size in sorted({*_IBAN_LENGTHS.values()})
    )
    iban = f"SUBSTR({bare}, 1, CASE {length} ELSE 0 END)"
    turned = "SPLIT(CONCAT(SUBSTR(iban, 5), SUBSTR(iban, 1, 4)), '')"
    digits = (
        f"(SELECT STRING_AGG(CAST(STRPOS('{_ALPHABET}', letter) - 1 AS STRING), '' ORDER BY place) "  # noqa: S608 - fixed text
        f"FROM UNNEST({turned}) AS letter WITH OFFSET AS place)"
    )
    weight = f"CAST(SUBSTR('{_POWERS}', 2 * place + 1, 2) AS INT64)"
    remainder = (
        f"(SELECT MOD(SUM(CAST(digit AS INT64) * {weight}), 97) "  # noqa: S608 - fixed text
        "FROM UNNEST(SPLIT(REVERSE(digits), '')) AS digit WITH OFFSET AS place)"
    )
    return (
        f"EXISTS (SELECT 1 FROM UNNEST(REGEXP_EXTRACT_ALL({column}, r'{_IBAN}')) AS raw, UNNEST([{iban}]) AS iban, "  # noqa: S608 - as above
        f"UNNEST([{digits}]) AS digits WHERE iban != '' AND {remainder} = 1)"
    )
