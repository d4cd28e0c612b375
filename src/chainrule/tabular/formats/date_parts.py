"""The parts of the formats of dates: what each stands for, and what is tidied before."""

MONTHS = (
    "jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sep(?:tember)?|"
    "oct(?:ober)?|nov(?:ember)?|dec(?:ember)?"
)

TOKENS = {
    "%Y": r"\d{4}", "%y": r"\d{2}", "%m": r"\d{1,2}", "%d": r"\d{1,2}", "%B": f"(?:{MONTHS})",
    "%b": f"(?:{MONTHS})", "%H": r"\d{1,2}", "%I": r"\d{1,2}", "%M": r"\d{2}", "%S": r"\d{2}",
    "%.f": r"(?:\.\d+)?", "%p": "[ap]m", "%#z": r"(?:z|[+-]\d\d(?::?\d\d)?)", "%j": r"\d{1,3}",
    "%z": r"[+-]\d\d:?\d\d", "%f": r"\d+", "%e": r" ?\d{1,2}", "%-d": r"\d{1,2}",
    "%-m": r"\d{1,2}", "%T": r"\d{1,2}:\d{2}:\d{2}", "%F": r"\d{4}-\d{1,2}-\d{1,2}", "%%": "%",
}  # fmt: skip
"""What each part of a format stands for."""

COMPACT = {"%m": r"\d{2}", "%d": r"\d{2}", "%H": r"\d{2}"}
"""Where no separator stands beside them, these have two digits."""

ISO = (
    *("%Y-%m-%d", "%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S%.f"),
    *("%Y-%m-%d %H:%M%#z", "%Y-%m-%d %H:%M:%S%.f%#z"),
)
"""The formats of ISO 8601, from the year to the day, and on to fractions of a second."""

TIDIED = (
    (r"(?i)^(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*\.?,?\s+", ""),  # 2012-01-01 was a Sunday
    (r"(?i)\bsept\b", "Sep"),
    (r"(?i)^(\d{1,2})(?:st|nd|rd|th)\b(?: of\b)?", "${1}"),
    (r"(?i)\b(\d{1,2})(?:st|nd|rd|th)\b", "${1}"),
    (r"([A-Za-z]{3})\.(\s|$)", "${1}${2}"),
    (r"(?i)(\d)t(\d)", "${1} ${2}"),
    (r"(?i)(\d)\s*([ap])\.?m\b\.?", "${1} ${2}m"),
    (r"(:\d\d),(\d)", "${1}.${2}"),
    (r"(?i)\s*\b(?:utc|gmt)$", "Z"),
    (r"(\d)\s+([+-]\d\d:?\d\d|Z)$", "${1}${2}"),
    (r"\s{2,}", " "),
)
"""What is written in more than one way, and the one that the formats know."""
