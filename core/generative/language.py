"""The language of a text, as a GoogleSQL expression: by its script, and by its most frequent words where the script is Latin or Cyrillic.

The words are the commonest function words of each language, by which a text of some sentences is told with hardly an error
(Grefenstette 1995, Comparing two language identification schemes).
"""

UNKNOWN = "unknown"
"""Where a text is too short, or of no language that is known here."""
_READ = 1000
"""So many characters of a text are looked at."""
_SCRIPTS = {
    "ja": r"[\p{Hiragana}\p{Katakana}]",
    "ko": r"\p{Hangul}",
    "zh": r"\p{Han}",
    "ar": r"\p{Arabic}",
    "he": r"\p{Hebrew}",
    "el": r"\p{Greek}",
    "hi": r"\p{Devanagari}",
    "th": r"\p{Thai}",
    "uk": "[ґєіїҐЄІЇ]",
    "ru": r"\p{Cyrillic}",
}
"""Letters that one language has alone, as far as languages are told apart here; other Cyrillic ones count as Russian."""
_LEAST_LETTERS, _LEAST_WORDS = 2, 2
_WORDS = {
    "en": "the of and to is that for it with as was on are be this by not or from have you which an at your can if has will its",
    "de": "der die das und ist nicht mit den von ein eine zu auf für sich dem des im werden wird auch es oder aus bei sie kann wurde",
    "fr": "le la les de des et est une un du pour dans que qui en pas sur au avec ce par sont il vous ne aux cette ou",
    "es": "el los las de que en un una es por con para se no del al lo como más su está este la son si puede",
    "it": "il lo gli di che una un per con non del della si da in sono dei alla la nel le questo come può stato",
    "pt": "os as de que do da em um uma para com não por é dos das na no ao se como este está são foi você ou",
    "nl": "de het een en van is niet met op te voor dat die zijn aan er of door wordt deze om kan bij naar als worden",
    "sv": "och att det som en är för av på med den inte till ett om kan har de från eller vid du när finns",
    "da": "og at det som en er for af på med den ikke til et om kan har de fra eller ved du når skal blev",
    "pl": "na nie się do jest to że jak dla od po przez za tego lub być są może ale który został",
    "cs": "na se je že to do pro za by jako není nebo jsou od pokud při ale který lze byl pouze soubor",
    "tr": "ve bir bu için ile da de olarak olan daha ne çok gibi veya değil ya kadar her olabilir",
    "fi": "ja on ei se että ole oli kun tai myös sekä voi joka mutta jos ovat niin tämä kuin vain",
    "hu": "az és nem egy hogy is ez van meg csak volt mint vagy el de kell lehet ha már nincs",
    "ro": "și nu de la în cu un pe este care se pentru din sau mai ca fi sunt poate al fost",
    "vi": "không của và là có cho được một trong này với các để khi từ người bị những tập tin",
}
_LETTERS = {
    "de": "ß",
    "fr": "œêè",
    "es": "ñ¿¡",
    "pt": "ãõ",
    "da": "æø",
    "pl": "ąęłżźćńś",
    "cs": "ěřůďť",
    "tr": "ğışİ",
    "hu": "őű",
    "ro": "ășțţ",
    "vi": "ơưăđạảấầậắằếềểệịọốồổộớờợụủứừữ",
}
"""Letters that hardly any other of these languages has: each counts as a word."""


def language_sql(column: str) -> str:
    """The language of a text, by its code of ISO 639-1, as in `en`; `unknown` where it cannot be told.

    Args:
        column: an expression of a text; of NULL it is `unknown`.

    >>> language_sql("`response`")[:29]
    'CASE WHEN REGEXP_CONTAINS(SUB'
    """
    read = f"SUBSTR({column}, 1, {_READ})"
    scripts = " ".join(
        f"WHEN REGEXP_CONTAINS({read}, r'(?s)(?:{letters}.*?){{{_LEAST_LETTERS}}}') THEN '{code}'"
        for code, letters in _SCRIPTS.items()
    )
    # Each language is a text of how often it was seen and its code, so that the largest text is the most frequent one; of equal counts it is
    # the last code.
    seen = ", ".join(
        f"CONCAT(LPAD(CAST(ARRAY_LENGTH(REGEXP_EXTRACT_ALL(spaced, r'{_evidence(code)}')) AS STRING), 4, '0'), '{code}')"
        for code in _WORDS
    )
    # Words stand between two blanks each, so that neighbours share none.
    spaced = f"CONCAT('  ', REGEXP_REPLACE(LOWER({read}), r'[^\\p{{L}}]+', '  '), '  ')"
    best = (
        f"(SELECT SUBSTR(MAX(language), 5) FROM UNNEST([{spaced}]) AS spaced, UNNEST([{seen}]) AS language "  # noqa: S608 - a column of the settings
        f"WHERE language >= '{_LEAST_WORDS:04}')"
    )
    return f"CASE {scripts} ELSE COALESCE({best}, '{UNKNOWN}') END"


def _evidence(code: str) -> str:
    """A pattern of what speaks for a language."""
    words = "|".join(_WORDS[code].split())
    letters = _LETTERS.get(code)
    return f" (?:{words}) |[{letters}]" if letters else f" (?:{words}) "
