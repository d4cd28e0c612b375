"""The signs that stand in numbers: separators, currencies, and how print writes them."""

from __future__ import annotations

Separators = tuple[str, str]
PAIRS: tuple[Separators, ...] = tuple(
    (decimal, thousands) for thousands in ("", ",", ".", "'", " ") for decimal in ".,"
    if decimal != thousands
)  # fmt: skip
"""The pairs that are known, the plainest first."""

SPELLED = {
    "\u00a0": " ", "\u2007": " ", "\u2009": " ", "\u202f": " ",
    "\u2019": "'", "\u02bc": "'", "\u2212": "-", "\u2013": "-",
}  # fmt: skip
"""Blanks, apostrophes and minus signs of print, as those of a keyboard."""

CURRENCIES: dict[str, tuple[str, ...]] = {
    "$": ("$", "USD", "US$", "US-$"), "€": ("€", "EUR", "Euro", "euro", "euros"),
    "£": ("£", "GBP"), "¥": ("¥", "JPY", "円"), "CHF": ("CHF", "Fr.", "SFr."),
    "₹": ("₹", "INR", "Rs", "Rs."), "₽": ("₽", "RUB", "руб."), "₩": ("₩", "KRW"),
    "R$": ("R$", "BRL"), "A$": ("A$", "AUD"), "C$": ("C$", "CAD"), "₺": ("₺", "TRY"),
    "kr": ("kr", "kr."), "SEK": ("SEK",), "NOK": ("NOK",), "DKK": ("DKK",),
    "zł": ("zł", "PLN"), "Kč": ("Kč", "CZK"), "Ft": ("Ft", "HUF"), "CNY": ("CNY", "RMB", "元"),
    "MXN": ("MXN",), "ZAR": ("ZAR",), "SGD": ("SGD", "S$"), "HKD": ("HKD", "HK$"),
    "NZD": ("NZD", "NZ$"), "₪": ("₪", "ILS"), "฿": ("฿", "THB"), "₫": ("₫", "VND"),
    "₱": ("₱", "PHP"), "₴": ("₴", "UAH"), "₦": ("₦", "NGN"), "₿": ("₿", "BTC"),
}  # fmt: skip
"""Currencies by the name that is said, with how they are written."""

POINTED = ("$", "£", "A$", "C$", "₹", "¥")
"""The currencies before whose numbers a comma parts thousands."""

YEARS = range(1800, 2101)
"""Whole numbers that may be years, such as those that name columns."""
