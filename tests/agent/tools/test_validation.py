"""The tool that was probably meant."""

import json

import pytest

from strategies.agent.tools.validation import nearest
from tests.protocols.cases import PEER_CASES


@pytest.mark.parametrize(
    ("name", "names", "wanted"),
    [
        ("typed_seach", ["typed_search"], "typed_search"),
        ("get_wether", ["set_weather", "get_weather"], "get_weather"),
        ("WebSearch", ["web_search", "web_fetch"], "web_search"),
        ("web-search", ["web_fetch", "web_search"], "web_search"),
        ("functions.get_weather", ["get_weather"], "get_weather"),
        ("get_weather", ["mcp.get_weather"], "mcp.get_weather"),
        ("default_api:get_weather", ["get_weather"], "get_weather"),
        ("get_weather_data", ["calculator", "weather"], "weather"),
        ("search", ["stock_level", "search_documents"], "search_documents"),
        ("weather", ["weather_of_years", "weather_now"], "weather_now"),
        ("abc", ["xyz"], None),
        ("get", ["get_weather"], None),
        ("", ["g"], None),
        ("x", [], None),
    ],
)
def test_nearest_name(name: str, names: list[str], wanted: str | None) -> None:
    """Case, separators, name spaces, small slips and further words are seen through."""
    assert nearest(name, names) == wanted


def test_peer_names() -> None:
    """What LazyLLM suggests is suggested, except for names of one letter or none."""
    path = PEER_CASES / "replay" / "lazyllm_closest_tool_name.json"
    if not path.exists():
        pytest.skip("no peers' cases beside the repository")
    for case in json.loads(path.read_text(encoding="utf-8"))["cases"]:
        if len(case["requested"]) > 1:
            assert nearest(case["requested"], case["available"]) == case["expected"]


def test_long_names_cost_little() -> None:
    """Models may write a whole page as a name."""
    assert nearest("x" * 1_000_000, ["get_weather"] * 50) is None
