from __future__ import annotations

import base64
import copy
import io
import json
import logging
import pickle
import traceback
import urllib.parse

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plait.errors import ConfError
from plait.project.secrets import MASK, Masker, Secret, has_secret, reveal

VALUE = "hunter2-p@ss/wörd"
SECRET = Secret(VALUE)


@pytest.mark.parametrize(
    "text",
    [
        str(SECRET),
        repr(SECRET),
        f"{SECRET}",
        f"{SECRET!r:>40}",
        f"{SECRET:s}",
        "%s %r" % (SECRET, SECRET),  # noqa: UP031 - people still write it
        "a" + SECRET,
        SECRET + "b",
        ",".join([SECRET]),
        SECRET.upper(),
        SECRET[:8],
        str(SECRET.encode()),
        json.dumps({"a": SECRET, "b": [SECRET]}),
        str({"a": SECRET}),
        str(list(SECRET)),
    ],
)
def test_a_secret_is_masked_however_it_is_written(text):
    assert VALUE not in text
    assert "hunter2" not in text.lower()


def test_only_reveal_gives_the_value():
    assert SECRET.reveal() == VALUE
    assert reveal({"a": [SECRET, 1], "b": (SECRET,)}) == {"a": [VALUE, 1], "b": (VALUE,)}
    assert has_secret({"a": [SECRET]})
    assert not has_secret({"a": [VALUE]})


def test_a_secret_survives_pickling_and_copying():
    for again in (
        pickle.loads(pickle.dumps(SECRET)),
        copy.deepcopy(SECRET),
        copy.copy(SECRET),
        Secret(SECRET),
    ):
        assert isinstance(again, Secret)
        assert again.reveal() == VALUE


def test_secrets_are_equal_by_value_and_never_to_a_text():
    assert Secret("a") == Secret("a")
    assert Secret("a") != Secret("b")
    assert Secret("a") != MASK
    assert Secret("a") != MASK
    assert len({Secret("a"), Secret("a"), Secret("b")}) == 2


def test_an_error_a_traceback_and_a_log_line_show_the_mask():
    stream = io.StringIO()
    logger = logging.Logger("here")
    logger.addHandler(logging.StreamHandler(stream))
    logger.error("login with %s", SECRET)
    with pytest.raises(ConfError) as caught:
        raise ConfError(f"cannot log in with {SECRET}", hint=f"try {SECRET!r}")
    said = "".join(traceback.format_exception(caught.value)) + repr(caught.value) + str(caught.value)
    assert VALUE not in said + stream.getvalue()
    assert VALUE.encode() not in pickle.dumps(caught.value)


FORMS = {
    "as it is": lambda v: v,
    "repr": repr,
    "repr of bytes": lambda v: repr(v.encode()),
    "json": json.dumps,
    "json as text": lambda v: json.dumps(v, ensure_ascii=False),
    "url": lambda v: urllib.parse.quote(v, safe=""),
    "url path": urllib.parse.quote,
    "url form": urllib.parse.quote_plus,
    "url in small letters": lambda v: (
        urllib.parse.quote(v, safe="").replace("%C3%B6", "%c3%b6").replace("%2F", "%2f")
    ),
    "base64": lambda v: base64.b64encode(v.encode()).decode(),
    "base64 for urls": lambda v: base64.urlsafe_b64encode(v.encode()).decode(),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("value", [VALUE, "tab\tquote'\"back\\slash", "q?~>>><<<ÿÿ~~~", "plain-token-123"])
def test_a_value_is_masked_in_every_form(form, value):
    text = f"before {FORMS[form](value)} after"
    masked = Masker([value]).mask(text)
    assert FORMS[form](value) not in masked
    assert MASK in masked
    assert masked.startswith("before ")
    assert masked.endswith(" after")


@given(
    st.text(st.characters(codec="ascii", categories=["L", "N", "P"]), min_size=8, max_size=20),
    st.text(max_size=6),
)
def test_a_value_inside_base64_is_masked_at_every_alignment(value, user):
    header = base64.b64encode(f"{user}:{value}".encode()).decode()
    masked = Masker([value]).mask(f"Authorization: Basic {header}")
    assert MASK in masked
    left = masked.removeprefix("Authorization: Basic ")
    # In sight stays what was before the value, and the characters that it shares with its neighbours.
    assert len(left.replace(MASK, "")) <= len(base64.b64encode(f"{user}:".encode())) + 4


@given(
    st.lists(st.text(min_size=4, max_size=12), min_size=1, max_size=5),
    st.text(max_size=10),
    st.text(max_size=10),
)
def test_no_masked_text_holds_a_value(values, before, after):
    masker = Masker(values)
    for value in values:
        masked = masker.mask(before + value + after)
        assert not any(known in masked.replace(MASK, "\0") for known in values)


def test_a_value_that_holds_another_is_masked_whole():
    assert Masker(["abcd", "abcdefgh"]).mask("x abcdefgh y") == "x *** y"


def test_short_values_are_left_alone():
    masker = Masker(["no", "42", "abc"])
    assert not masker
    assert masker.mask("no, 42 abc") == "no, 42 abc"


def test_the_password_of_a_url_and_the_lines_of_a_key_are_values_too():
    key = "-----BEGIN KEY-----\nMIIEvQIBADAN\nBgkqhkiG9w0B\n-----END KEY-----\n"
    masker = Masker(["postgresql://me:pa55word@host:5432/db", key])
    assert masker.mask("password pa55word for me at host") == "password *** for me at host"
    assert masker.mask("line MIIEvQIBADAN") == "line ***"
    assert "-----BEGIN KEY-----" in masker.mask("-----BEGIN KEY----- is a header")


def test_values_are_masked_inside_collections():
    masker = Masker([VALUE, "987654"])
    value = {
        "a": [VALUE, 1],
        VALUE: (VALUE, SECRET),
        "b": {VALUE},
        "c": VALUE.encode(),
        "n": 987654,
        "t": True,
        "f": 1.5,
    }
    assert masker.mask(value) == {
        "a": [MASK, 1], MASK: (MASK, MASK), "b": {MASK}, "c": b"***", "n": MASK, "t": True, "f": 1.5,
    }  # fmt: skip
    other = object()
    assert masker.mask(other) is other
    assert Masker([]).mask({"a": SECRET}) == {"a": MASK}


def test_an_exception_is_cleaned_with_its_notes_causes_and_group():
    def failing():
        try:
            raise FileNotFoundError(2, "no such file", f"/data/{VALUE}.csv")
        except OSError as error:
            wrong = ValueError(f"cannot read {VALUE}")
            wrong.add_note(f"the note says {VALUE}")
            wrong.details = {"password": VALUE}
            raise wrong from error

    try:
        failing()
    except ValueError as error:
        caught = ExceptionGroup("all", [error, ConfError(VALUE, where=VALUE, hint=VALUE)])
    cleaned = Masker([VALUE]).clean(caught)
    assert cleaned is caught
    assert VALUE not in "".join(traceback.format_exception(cleaned))
    assert VALUE.encode() not in pickle.dumps(cleaned.exceptions[0])
    assert VALUE.encode() not in pickle.dumps(cleaned.exceptions[1])
    assert "cannot read ***" in "".join(traceback.format_exception(cleaned))


def test_masking_a_log_line_is_cheap():
    import time

    masker = Masker([f"secret-value-{i}-{i * 7919}" for i in range(50)])
    line = (
        "2024-01-01 12:00:00 INFO step fit finished in 3.2 s with rmse=0.31 and wrote models/fit.pickle " * 2
    )
    started = time.process_time()
    for _ in range(200):
        masker.mask(line)
    assert (time.process_time() - started) / 200 < 0.002
