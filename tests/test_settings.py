"""Settings: what is taken, what is refused, and that the token never shows."""

import copy
import math
import pickle

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chakra_async import AccessToken, Limits, RetryPolicy, Settings, Timeouts
from chakra_async.settings import RedisUrl


TOKEN = "s3cr3t-t0ken"


@pytest.mark.fault("S5")
def test_a_token_shows_itself_only_when_asked():
    token = AccessToken(f" {TOKEN}\n")
    settings = Settings(access_token=TOKEN)
    shown = (
        f"{token} {token!r} {token:} {[token]} {settings} {attrs.asdict(settings)} {attrs.astuple(settings)}"
    )
    assert TOKEN not in shown
    assert token.reveal() == TOKEN


@pytest.mark.fault("S5")
def test_a_token_is_not_pickled_but_may_be_copied_within_the_process():
    settings = Settings(access_token=TOKEN)
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(settings)
    assert copy.deepcopy(settings) == copy.copy(settings) == settings


def test_tokens_compare_by_value():
    assert AccessToken("a") == AccessToken("a") != AccessToken("b")
    assert len({AccessToken("a"), AccessToken("a")}) == 1


@pytest.mark.parametrize("value", ["", "  ", "a b", "a\nb", "a\rb", "tokén", "a\x00b"])
def test_a_token_that_no_header_could_hold_is_refused_without_being_shown(value):
    with pytest.raises(ValueError, match="access token") as caught:
        AccessToken(value)
    assert not value.strip() or value not in str(caught.value)


def test_a_word_that_stands_for_a_token_is_no_secret():
    assert AccessToken("token").scrub("the access token is unknown") == "the access token is unknown"


def test_scrubbing_blots_the_token_out():
    assert AccessToken(TOKEN).scrub(f"Bearer {TOKEN}, {TOKEN}") == "Bearer [access token], [access token]"


NUMBERS = [
    (cls, field.name)
    for cls in (Timeouts, Limits, RetryPolicy)
    for field in attrs.fields(cls)
    if field.type != "bool"
]


@pytest.mark.parametrize(("cls", "name"), NUMBERS)
@pytest.mark.parametrize("value", [-1, math.nan, "30", True])
def test_numbers_that_make_no_sense_are_refused_by_name(cls, name, value):
    with pytest.raises(ValueError, match=name):
        cls(**{name: value})


@pytest.mark.parametrize(
    "name", ["connections", "max_response_bytes", "chunk_size", "max_chunk_bytes", "jobs_in_flight"]
)
@pytest.mark.parametrize("value", [0, 1.5, True, "3"])
def test_counts_are_whole_and_at_least_one(name, value):
    with pytest.raises(ValueError, match=name):
        Limits(**{name: value})


def test_what_is_no_number_is_refused_by_name():
    with pytest.raises(ValueError, match="read must be a number of more than 0, not None"):
        Timeouts(read=None)


@pytest.mark.parametrize("value", ["false", 1, None])
def test_a_switch_is_true_or_false(value):
    with pytest.raises(ValueError, match="server_errors_on_writes must be True or False, not"):
        RetryPolicy(server_errors_on_writes=value)
    assert RetryPolicy(server_errors_on_writes=True).server_errors_on_writes


@pytest.mark.parametrize("value", [0, 101, 2.5, "5", True])
def test_a_page_holds_1_to_100_items(value):
    with pytest.raises(ValueError, match="page_size"):
        Limits(page_size=value)
    assert Limits(page_size=1).page_size == 1


@pytest.mark.parametrize(
    "url",
    [
        "",
        "localhost:6379",
        "http://localhost:6379",
        "redis://",
        "redis://:passw0rd@",
        "redis://localhost:0",
        "redis://:passw0rd@localhost:port",
        "redis://[::1",
        "redis://local\nhost",
        "unix://",
    ],
)
def test_a_shared_rate_that_cannot_work_is_refused_without_its_password(url):
    with pytest.raises(ValueError, match="shared_rate must look like redis://localhost:6379/0") as caught:
        Limits(requests_per_second=5, shared_rate=url)
    assert "passw0rd" not in str(caught.value)


def test_a_shared_rate_needs_a_rate():
    with pytest.raises(ValueError, match="shared_rate needs requests_per_second"):
        Limits(shared_rate="redis://localhost")
    assert Limits(requests_per_second=5, shared_rate=None).shared_rate is None


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://me:passw0rd@localhost:6379/3", "redis://localhost:6379"),
        ("rediss://:passw0rd@[::1]/0?ssl_cert_reqs=none", "rediss://[::1]"),
        ("redis://localhost?password=passw0rd", "redis://localhost"),
        ("unix:///run/redis.sock?password=passw0rd&db=1", "unix:///run/redis.sock"),
    ],
)
def test_the_password_of_a_shared_rate_travels_unseen(url, shown):
    limits = Limits(requests_per_second=5, shared_rate=url)
    assert limits.shared_rate == url
    text = f"{limits} {Settings(limits=limits)} {attrs.asdict(limits)} {[limits.shared_rate]}"
    assert f"'{shown}'" in text
    assert "passw0rd" not in text


def test_a_password_is_blotted_out_however_it_is_written():
    url = RedisUrl("redis://me:pass%3Aw0rd@localhost?password=other")
    assert url.scrub("pass:w0rd pass%3Aw0rd other me") == "[password] [password] [password] me"


def test_everything_is_frozen_and_keyword_only():
    for cls in (Timeouts, Limits, RetryPolicy, Settings):
        with pytest.raises(TypeError):
            cls(1)
        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            setattr(cls(), attrs.fields(cls)[0].name, 1)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "api.chakrahq.com",
        "//api.chakrahq.com",
        "ftp://api.chakrahq.com",
        "file:///etc/passwd",
        "https://",
        "https://user:pw@api.chakrahq.com",
        "https://token@api.chakrahq.com",
        "https://api.chakrahq.com?x=1",
        "https://api.chakrahq.com#x",
        "https://api.chakrahq.com?",
        "https://api.chakrahq.com/api#",
        "https://@api.chakrahq.com",
        "https://api.chakrahq.com:0",
        "https://api.chakrahq.com:99999",
        "https://api.chakrahq.com:port",
        "https://[::1",
        "https://api.chakra\r\nhq.com",
        "https://api.chakrahq.com/a b",
        "https://bücher.test",
    ],
)
def test_a_base_url_that_cannot_work_is_refused(url):
    with pytest.raises(ValueError, match="base_url"):
        Settings(base_url=url)


@pytest.mark.parametrize("rest", ["/v1/ext", "/v1/ext/", "/v1/ext/procedure/lead"])
def test_a_base_url_with_the_path_of_the_api_is_told_what_to_be(rest):
    with pytest.raises(ValueError, match=r"must end before /v1/ext.* give 'https://proxy.test/chakra', not"):
        Settings(base_url=f"https://proxy.test/chakra{rest}")
    assert Settings(base_url="https://proxy.test/v1/extra").base_url == "https://proxy.test/v1/extra"


def test_credentials_in_a_base_url_are_not_shown():
    with pytest.raises(ValueError, match="base_url") as caught:
        Settings(base_url="https://user:passw0rd@api.chakrahq.com")
    assert "passw0rd" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://api.chakrahq.com/", "https://api.chakrahq.com"),
        ("http://127.0.0.1:8090//", "http://127.0.0.1:8090"),
        ("https://proxy.test/chakra/", "https://proxy.test/chakra"),
        ("http://[::1]:8090", "http://[::1]:8090"),
        (" https://api.chakrahq.com\n", "https://api.chakrahq.com"),
        ("https://proxy.test/@team", "https://proxy.test/@team"),
    ],
)
def test_a_base_url_loses_its_trailing_slashes(url, kept):
    assert Settings(base_url=url).base_url == kept


@given(st.text(max_size=60))
def test_any_base_url_is_taken_or_refused_with_a_value_error(url):
    try:
        settings = Settings(base_url=url)
    except ValueError:
        return
    assert settings.base_url.startswith(("http://", "https://", "HTTP", "hTTP", "Http"))


ENVIRON = {
    "CHAKRA_ACCESS_TOKEN": TOKEN,
    "CHAKRA_BASE_URL": "http://127.0.0.1:1/",
    "CHAKRA_PLUGIN_ID": "plugin",
    "CHAKRA_PHONE_NUMBER_ID": "number",
    "CHAKRA_WHATSAPP_API_VERSION": "v21.0",
}


def test_the_environment_is_read():
    settings = Settings.from_env(ENVIRON)
    assert settings.access_token == AccessToken(TOKEN)
    assert (settings.base_url, settings.plugin_id) == ("http://127.0.0.1:1", "plugin")
    assert settings.phone_number_id == "number"
    assert settings.whatsapp_api_version == "v21.0"


def test_an_empty_variable_counts_as_unset():
    assert Settings.from_env(dict.fromkeys(ENVIRON, "")) == Settings()


def test_given_settings_win_over_the_environment():
    given = Settings(base_url="http://127.0.0.1:2", limits=Limits(connections=3))
    settings = Settings.from_env(ENVIRON, defaults=given)
    assert settings.base_url == "http://127.0.0.1:2"
    assert settings.plugin_id == "plugin"
    assert settings.limits.connections == 3


def copied_in_every_way(settings):
    yield from (settings, copy.copy(settings), copy.deepcopy(settings), attrs.evolve(settings))
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        yield pickle.loads(pickle.dumps(settings, protocol))


def test_what_was_given_wins_also_where_it_equals_the_default():
    plain = Settings()
    values = {"base_url": "https://api.chakrahq.com/", "whatsapp_api_version": "v19.0"}
    for one in [*copied_in_every_way(Settings(**values, plugin_id=None)), attrs.evolve(plain, **values)]:
        found = Settings.from_env(ENVIRON, defaults=one)
        assert (found.base_url, found.whatsapp_api_version) == (plain.base_url, plain.whatsapp_api_version)
        assert (found.access_token, found.plugin_id) == (AccessToken(TOKEN), "plugin")


def test_what_was_not_given_comes_from_the_environment_whatever_else_was():
    for one in copied_in_every_way(Settings(phone_number_id="given")):
        found = Settings.from_env(ENVIRON, defaults=one)
        assert (found.base_url, found.whatsapp_api_version) == ("http://127.0.0.1:1", "v21.0")
        assert found.phone_number_id == "given"


def test_settings_once_completed_stay_where_they_are():
    first = Settings.from_env({})
    assert Settings.from_env(ENVIRON, defaults=first).base_url == first.base_url == Settings().base_url
    assert type(first.base_url) is type(first.whatsapp_api_version) is str


@pytest.mark.parametrize("value", [None, 5, b"http://127.0.0.1:1"])
@pytest.mark.parametrize("name", ["base_url", "whatsapp_api_version"])
def test_what_is_no_text_is_refused_by_name(name, value):
    with pytest.raises(ValueError, match=f"{name} must look like"):
        Settings(**{name: value})


def test_a_wrong_variable_is_refused():
    with pytest.raises(ValueError, match="base_url"):
        Settings.from_env({"CHAKRA_BASE_URL": "nowhere"})


def test_filling_leaves_alone_what_is_not_given():
    settings = Settings(plugin_id="a")
    assert settings.fill(plugin_id=None, phone_number_id="b") == Settings(plugin_id="a", phone_number_id="b")


def test_the_version_of_metas_api_is_checked():
    assert Settings().whatsapp_api_version == "v19.0"
    for wrong in ("19.0", "v19", "V19.0", "v19.0/x", "", "v19.0\n"):
        with pytest.raises(ValueError, match=r"whatsapp_api_version must look like v19\.0"):
            Settings(whatsapp_api_version=wrong)
