"""Texts as numbers: equal to scikit-learn's transformers, and no harm done by what is no text."""

import random
import re

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from threadpoolctl import threadpool_limits

import chainrule as cr
from chainrule.serialization import ModelFileError, read_file, write_file
from chainrule.tabular.columns import text_parts
from chainrule.tabular.columns.tallies import LONGEST, Tally
from chainrule.tabular.columns.text_parts import COMPONENTS, EACH, LEAST, common_parts
from chainrule.tabular.encoding import text_encoder
from chainrule.tabular.encoding.preparation import BLOCK
from chainrule.tabular.encoding.text_encoder import counted, fit_text, projected
from chainrule.tabular.formats import text_words
from chainrule.tabular.formats.notes import Notes
from chainrule.tabular.table_error import TableError

GOOD = ["lovely", "bright", "superb", "charming", "spotless"]
BAD = ["gloomy", "noisy", "filthy", "broken", "shabby"]
THINGS = ["kitchen", "garden", "bathroom", "hall", "cellar", "roof", "balcony", "stairs"]


def remarks(n, seed=0):
    """Remarks on houses, and how good each is."""
    draw = random.Random(seed)
    rows = []
    for _ in range(n):
        said = [(draw.choice(THINGS), draw.random() < 0.5) for _ in range(5)]
        words = [f"{draw.choice(GOOD if good else BAD)} {thing}" for thing, good in said]
        rows.append((", ".join(words).capitalize() + ".", sum(good for _, good in said)))
    return pl.DataFrame(rows, schema={"says": pl.String, "good": pl.Float64}, orient="row")


def encoder_of(texts, *, missing=False):
    texts = pl.Series("says", texts, dtype=pl.String)
    return fit_text(texts, common_parts(texts), missing=missing)


def numbers(encoder, texts, notes=None):
    """The features of some texts."""
    texts = pl.Series("says", texts, dtype=pl.String)
    out = np.zeros((len(texts), len(encoder.features)), np.float32)
    encoder.write(texts, out, Notes() if notes is None else notes)
    return out


# The same as scikit-learn's

ODD = st.text("aábé  .'!7中文", max_size=9)
WORD = ODD | st.sampled_from(["hat", "hats", "a hat", "that", "it", "It's", "HAT!", "été", "中文"])
TEXTS = st.lists(st.lists(WORD, max_size=6).map(" ".join), min_size=3, max_size=30)
LIKE_OURS = {"analyzer": "char_wb", "ngram_range": (3, 4)}


@given(TEXTS)
def test_common_parts_are_scikit_learns(texts):
    try:
        counting = CountVectorizer(min_df=LEAST, max_df=len(texts) - 1, **LIKE_OURS).fit(texts)
    except ValueError:  # it finds none
        assert common_parts(pl.Series(texts, dtype=pl.String)) == ()
        return
    assert common_parts(pl.Series(texts)) == tuple(sorted(counting.vocabulary_))


@given(TEXTS, TEXTS)
def test_weights_are_scikit_learns(texts, others):
    parts = common_parts(pl.Series(texts, dtype=pl.String))
    if len(parts) < 2:
        return
    oracle = TfidfVectorizer(vocabulary=parts, sublinear_tf=True, **LIKE_OURS).fit(texts)
    counts = counted(pl.Series(others, dtype=pl.String), pl.Enum(parts))
    w = projected(counts, oracle.idf_, np.eye(len(parts)))
    assert np.allclose(w, oracle.transform(others).toarray(), rtol=0, atol=1e-12)


def test_components_are_scikit_learns():
    texts, others = remarks(2000)["says"].to_list(), remarks(300, seed=1)["says"].to_list()
    encoder = encoder_of(texts)
    oracle = TfidfVectorizer(min_df=LEAST, max_df=len(texts) - 1, sublinear_tf=True, **LIKE_OURS)
    w = oracle.fit_transform(texts)
    assert encoder.data.parts == tuple(sorted(oracle.vocabulary_))
    assert np.allclose(encoder.idf, oracle.idf_, rtol=1e-6)
    svd = TruncatedSVD(COMPONENTS, algorithm="arpack", random_state=0)
    x, expected = svd.fit_transform(w), svd.transform(oracle.transform(others))
    expected = (expected - x.mean(axis=0)) / x.std(axis=0).max()
    expected = expected / np.sqrt(1 + (expected / 3) ** 2)
    found = numbers(encoder, others)
    found *= np.sign((found * expected).sum(axis=0))  # a direction may point either way
    first = slice(0, 5)  # further ones are nearly alike, and randomised ones turn among them
    assert np.allclose(found[:, first], expected[:, first], atol=0.05)


def test_all_components_together_tell_as_much_as_the_exact_ones():
    texts = remarks(2000)["says"].to_list()
    w = TfidfVectorizer(min_df=LEAST, sublinear_tf=True, **LIKE_OURS).fit_transform(texts)
    exact = TruncatedSVD(COMPONENTS, algorithm="arpack").fit(w)
    encoder = encoder_of(texts)
    kept = projected(counted(pl.Series(texts), pl.Enum(encoder.data.parts)), encoder.idf, encoder.V)
    assert (kept**2).sum() > 0.98 * (exact.singular_values_**2).sum()


# The same bits


def test_pieces_and_blocks_do_not_show(monkeypatch):
    texts = [*remarks(120)["says"], None, "", "x" * 500] * 2
    encoder = encoder_of(texts, missing=True)
    whole = numbers(encoder, texts)
    monkeypatch.setattr(text_words, "PIECE", 300)
    assert numbers(encoder, texts).tobytes() == whole.tobytes()
    some = [*range(0, 120, 5), 120, 121, 122]
    alone = np.concatenate([numbers(encoder, [texts[k]]) for k in some])
    assert alone.tobytes() == whole[some].tobytes()
    again = encoder_of(texts, missing=True)
    assert (again.data, again.V.tobytes()) == (encoder.data, encoder.V.tobytes())


def test_threads_do_not_show():
    texts = remarks(3000)["says"]
    with threadpool_limits(2):
        two = encoder_of(texts)
    with threadpool_limits(1):
        one = encoder_of(texts)
    assert (one.V.tobytes(), one.data) == (two.V.tobytes(), two.data)


def test_memory_does_not_show(tmp_path):
    table = remarks(2 * BLOCK // 10).with_columns(pl.lit("z" * 200).alias("more"))
    table.write_csv(tmp_path / "houses.csv")
    files = []
    for memory in (300_000_000, 200_000):
        path = tmp_path / f"{memory}.model"
        cr.train(tmp_path / "houses.csv", "good", out=path, epochs=1, effort="fast", memory=memory)
        files.append(path.read_bytes())
    assert files[0] == files[1]


# What tells something, and what does not


def hexadecimal(n):
    return [f"{random.Random(k).getrandbits(128):032x}" for k in range(n)]


def greek(k):
    words = "καλός κακός σπίτι κήπος μικρός μεγάλος παλιός νέος ήσυχος φωτεινός κρύος ζεστός"
    return " ".join(random.Random(k).choices(words.split(" "), k=6))


N = 600
FOUND = {
    # what: (values, role, reason)
    "remarks": (remarks(N)["says"].to_list(), "text", r"30 components of TF-IDF of \d+ parts of w"),
    "with gaps": (
        [*remarks(N - 60)["says"], *[None] * 60],
        "text",
        r"27 components of TF-IDF of \d+ parts of words, 60 missing",
    ),
    "in Greek": ([greek(k) for k in range(N)], "text", "18 components"),
    "in HTML": ([f"<p>{each}<br/></p>" for each in remarks(N)["says"]], "text", "30 components"),
    "few": (remarks(99)["says"].to_list(), "left out", "text, all different"),
    "hashes": (hexadecimal(N), "left out", "text, all different"),
    "numbered": ([f"house {k}" for k in range(N)], "left out", "text, all different"),
    "codes": ([f"AB-{k * 7919 % 9973:05}" for k in range(N)], "left out", "text, all different"),
    "names": (
        [f"{h[:6].title()} {h[6:13].title()}" for h in hexadecimal(N)],
        "left out",
        "text, all different",
    ),
    "all the same but for a number": (
        [f"The {k}th of all the houses in the street of the old town" for k in range(N)],
        "left out",
        "text, all different",
    ),
    "mails": ([f"{h[:8]}@mail.org" for h in hexadecimal(N)], "left out", "text, all different"),
    "long": ([f"{k % 200} {'long ' * 30}" for k in range(N)], "left out", "long text"),
    "categories": (["flat in town", "house by the sea"] * 300, "category", "2 categories"),
}  # fmt: skip


@pytest.mark.parametrize("name", FOUND)
def test_a_column_is_text_where_its_words_stand_in_others_too(name):
    values, role, reason = FOUND[name]
    found = decided(pl.DataFrame({"x": values, "size": np.arange(len(values)) / 8}))
    assert found.role == role
    assert re.match(reason, found.reason)


def decided(frame, **options):
    from chainrule.tabular.columns.column_decisions import decide
    from frames import surveyed

    return decide(surveyed(frame, **options), **options)[0]


ASKED = {
    "numbers": list(range(N)),
    "fractions": [k / 7 for k in range(N)],
    "categories": ["flat", "house"] * 300,
    "hashes": hexadecimal(N),
    "in Chinese": [f"这个房子很{'好' if k % 2 else '旧'}{chr(0x4E00 + k)}" for k in range(N)],
    "flags": [True, False] * 300,
}


@pytest.mark.parametrize("name", ASKED)
def test_what_is_named_is_text_whatever_it_is(name):
    frame = pl.DataFrame({"x": ASKED[name], "size": np.arange(N) / 8})
    found = decided(frame, texts=["x"])
    assert found.role == "text"
    assert found.option == "change: `leave_out=['x']`"


@pytest.mark.parametrize(
    "values", [["🏠"] * 9, ["same word"] * 9, list("abcdefghi"), [None] * 8 + ["one text alone"]]
)
def test_what_has_nothing_in_common_is_no_text(values):
    frame = pl.DataFrame({"x": values, "size": range(9)})
    with pytest.raises(
        TableError, match="column 'x' holds no text of which parts come again"
    ) as it:
        decided(frame, texts=["x"])
    assert "\n" not in str(it.value)


def test_few_texts_are_looked_at(monkeypatch):
    monkeypatch.setattr(text_parts, "TEXTS", 100)
    monkeypatch.setattr(text_parts, "IN_ALL", 1000)
    assert len(text_parts.some_texts(pl.Series(["ab"] * 1000))) == 100
    assert len(text_parts.some_texts(pl.Series(["ab" * 10, None] * 1000))) == 50
    assert len(text_parts.some_texts(pl.Series(["a" * 10**6] * 3))) == 1


def test_the_most_frequent_parts_are_kept(monkeypatch):
    monkeypatch.setattr(text_parts, "MOST", 2)
    assert common_parts(pl.Series(["so", "so", "so", "so it", "it", "it", "it by", "so"])) == (
        " so",
        " so ",
    )


# What comes


def test_odd_texts():
    encoder = encoder_of(remarks(N)["says"], missing=False)
    notes = Notes()
    odd = [None, "", "   ", "кухня", "7", "\0", "🏠", "kitchen " * 10**5, "k" * 10**6, "a\u0301"]
    found = numbers(encoder, odd, notes)
    assert np.isfinite(found).all()
    assert (found[0] == 0).all()
    blank = found[1]
    assert (found[2:7] == blank).all()
    assert (found[7] != blank).any()
    assert notes.lines() == [
        "says: 1 missing, unlike in training",
        "says: 7 with no part of a word that training knew, such as '   '",
    ]


def test_what_is_missing_has_a_feature_where_training_had_some():
    encoder = encoder_of([*remarks(N)["says"], None], missing=True)
    assert encoder.features[-1] == "says missing"
    assert numbers(encoder, [None, "a lovely hall"])[:, -1].tolist() == [1, 0]
    assert not numbers(encoder, [None])[:, :-1].any()


def test_other_types_are_refused():
    encoder = encoder_of(remarks(N)["says"])
    with pytest.raises(TableError, match=r"'says' held text in training, holds List\(Int64\) here"):
        encoder.check(pl.Series("says", [[1]]), 1)
    encoder.check(pl.Series("says", [1.5]), 1)


def test_directions_without_any_spread_are_0():
    texts = pl.Series("says", ["good wine", "bad beer"] * EACH)
    encoder = fit_text(texts, common_parts(texts), missing=False)
    assert len(encoder.data.centres) == 4
    assert (np.abs(encoder.V).sum(axis=0) > 0).tolist() == [True, True, False, False]
    assert np.isfinite(numbers(encoder, texts)).all()


def test_of_long_texts_little_is_kept_to_find_their_format():
    tally = Tally(("NA",))
    tally.add(pl.Series([f"{k} {'long 9 ' * 1000}" for k in range(50)]))
    assert tally.values == 50
    assert max(map(len, [*tally.shapes, *tally.kept])) == LONGEST


# Models


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """The model of remarks, its file, and the table that it was trained on."""
    path = tmp_path_factory.mktemp("texts") / "houses.model"
    table = remarks(1500).with_columns(pl.Series("size", np.arange(1500) % 7))
    return (
        cr.train(table, "good", out=path, epochs=20, task="regression", effort="fast"),
        path,
        table,
    )


def test_a_text_tells_what_the_numbers_do_not(trained):
    model, _, _ = trained
    scores = model.evaluate(remarks(300, seed=2).with_columns(size=pl.lit(1)))
    assert scores["model"]["mae"] < 0.5 * scores["baseline"]["mae"]


def test_a_model_is_read_back(trained):
    model, path, table = trained
    again = cr.TableModel.load(path)
    assert again.predict(table).equals(model.predict(table))
    assert path.stat().st_size < 2_000_000
    again.save(path.with_suffix(".again"))
    assert path.with_suffix(".again").read_bytes() == path.read_bytes()


IDF, COMPONENTS_ = "encoders.0.idf", "encoders.0.components"
DAMAGE = {
    "is missing": lambda arrays, data: arrays.pop(IDF),
    "must be of float32 and shape (": lambda arrays, data: arrays.update({IDF: arrays[IDF][:-1]}),
    "got float64 and": lambda arrays, data: arrays.update({IDF: arrays[IDF].astype("f8")}),
    "components' must be of": lambda arrays, data: arrays.update({COMPONENTS_: arrays[IDF]}),
    "belongs to nothing": lambda arrays, data: arrays.update({"encoders.1.idf": arrays[IDF]}),
    "must be different values": lambda arrays, data: text_of(data)["parts"].append(
        text_of(data)["parts"][0]
    ),
    "components' must be of float32 and": lambda arrays, data: text_of(data)["centres"].pop(),
    "scale must be a finite number": lambda arrays, data: text_of(data).update(scale=0.0),
    "parts must be some values": lambda arrays, data: text_of(data).update(parts=[]),
    "centres must be some values": lambda arrays, data: text_of(data).update(centres=[]),
    "the columns of decisions that become inputs": lambda arrays, data: data["decisions"][0].update(
        role="left out"
    ),
    "role must be one of": lambda arrays, data: data["decisions"][0].update(role="prose"),
}


def text_of(data):
    return data["preparation"]["encoders"][0]


@pytest.mark.parametrize("message", DAMAGE)
def test_a_damaged_file_is_refused(trained, tmp_path, message):
    arrays, data = read_file(trained[1])
    data = {name: each for name, each in data.items() if name not in ("format", "library")}
    DAMAGE[message](arrays, data)
    write_file(tmp_path / "damaged.model", arrays, data)
    with pytest.raises(ModelFileError, match=re.escape(message)) as caught:
        cr.TableModel.load(tmp_path / "damaged.model")
    assert "\n" not in str(caught.value)


def test_digits_of_a_text_are_kept_as_they_stand(tmp_path):
    """As numbers 007 and 7 are one; of a text they are two."""
    path = tmp_path / "codes.csv"
    rows = [f"{'007' if k % 2 else '7'},{k % 2}.5" for k in range(200)]
    path.write_text("code,y\n" + "\n".join(rows))
    model = cr.train(path, "y", texts=["code"], epochs=2, effort="fast")
    assert model.about["decisions"][0]["role"] == "text"
    first, second = model.preparation.transform(pl.DataFrame({"code": ["7", "007"]}))
    assert (first != second).any()


def test_scikit_learn_is_not_needed_to_predict():
    assert "sklearn" not in vars(text_encoder)
