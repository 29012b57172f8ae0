"""Names that say the same, however they are spelled, and names that only look like it."""

import pytest

from ai_program.names import means, words


@pytest.mark.parametrize(
    ("name", "trait"),
    [
        ("gender", "gender"),
        ("Gender", "gender"),
        ("customer_Gender", "gender"),
        ("customerGender", "gender"),
        ("GENDER-CODE", "gender"),
        ("customergender", "gender"),
        ("genders", "gender"),
        ("age", "age"),
        ("age2", "age"),
        ("ages", "age"),
        ("age_band_5", "age"),
        ("userAge", "age"),
        ("IDAge", "age"),
        ("postalcode", "postal_code"),
        ("postal code", "postal_code"),
        ("PostalCodes", "postal_code"),
        ("home.postal-code", "postal_code"),
        ("political_opinions", "political_opinion"),
    ],
)
def test_the_same(name, trait):
    assert means(name, trait), words(name)


@pytest.mark.parametrize(
    ("name", "trait"),
    [
        ("average", "age"),
        ("storage_days", "age"),
        ("trace", "race"),
        ("brace_count", "race"),
        ("code_postal", "postal_code"),
        ("lag_24", "age"),
        ("", "age"),
        ("age", ""),
        ("_", "_"),
    ],
)
def test_not_the_same(name, trait):
    assert not means(name, trait), words(name)
