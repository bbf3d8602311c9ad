"""Where a model is, and whether a server of OpenAI's protocol stands there."""

import json
import urllib.error
import urllib.request
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPException

from workbench.base.addresses import is_web_address
from workbench.base.ports import UsageError, WorkbenchError

_SECONDS = 5.0
_SHOWN = 80
_CHAT = "/chat/completions"


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where the model is."""

    base_url: str
    api_key: str = ""
    input_price: str = "0"
    output_price: str = "0"
    price_unit: str = "0.000001"
    currency: str = "USD"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Page:
    """What came back from an address."""

    status: int
    kind: str
    text: str

    @property
    def is_json(self) -> bool:
        if self.status != HTTPStatus.OK:
            return False
        try:
            json.loads(self.text)
        except ValueError:
            return False
        return True


def api_root(address: str) -> str:
    """Take the API's address from what was given; people copy the one of its chat, too."""
    return address.rstrip("/").removesuffix(_CHAT).rstrip("/")


def check_endpoint(endpoint: Endpoint) -> None:
    """Look for the list of models, which costs nothing and tells the usual mistakes.

    A server without such a list is left to the run, if it knows the path of the chat.

    Raises:
        UsageError: This is not a web address.
        WorkbenchError: Nothing answers, the key is refused, or something else stands there.
    """
    base = endpoint.base_url.rstrip("/")
    if not is_web_address(base):
        raise UsageError(
            f"--base-url {endpoint.base_url!r} is not a web address: give one such as"
            " http://localhost:8000/v1."
        )
    page = _get(base, endpoint.api_key)
    if page is None or page.is_json:
        return
    if page.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        hint = "refuses the key" if endpoint.api_key else "wants a key"
        raise WorkbenchError(
            f"--base-url {base}: the server {hint} (status {page.status})."
            " Name the variable that holds it with --api-key-env."
        )
    better = None if base.endswith("/v1") else _get(f"{base}/v1", endpoint.api_key)
    if better is not None and better.is_json:
        raise WorkbenchError(f"--base-url {base} lacks its ending: try --base-url {base}/v1")
    if page.status == HTTPStatus.OK:
        raise WorkbenchError(
            f"--base-url {base}: {_told(page)} came back where a list of models belongs."
            " Give the address that the server's documentation names for OpenAI's API; most end"
            " in /v1."
        )
    if page.status == HTTPStatus.NOT_FOUND and not _has_chat(base, endpoint.api_key):
        raise WorkbenchError(
            f"--base-url {base}: the server answers, but with status 404 (not found) for"
            f" {base}/models and {base}{_CHAT}. Give the address that its documentation names for"
            " OpenAI's API; most end in /v1."
        )


def _has_chat(base: str, key: str) -> bool:
    """Whether an empty request is refused otherwise than by 404; it costs nothing."""
    page = _ask(base, _CHAT, key, b"{}")
    # Some servers also say 404 of a model that was not named.
    return page is None or page.status != HTTPStatus.NOT_FOUND or "model" in page.text.lower()


def _get(base: str, key: str) -> _Page | None:
    return _ask(base, "/models", key)


def _ask(base: str, path: str, key: str, body: bytes | None = None) -> _Page | None:
    """Ask for a page; None when the answer takes long, which is no mistake."""
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    if body is not None:
        headers["Content-Type"] = "application/json"
    try:
        request = urllib.request.Request(f"{base}{path}", body, headers)  # noqa: S310 - checked
        with urllib.request.urlopen(request, timeout=_SECONDS) as answer:  # noqa: S310
            text = answer.read().decode(errors="replace")
            return _Page(status=answer.status, kind=answer.headers.get_content_type(), text=text)
    except urllib.error.HTTPError as error:
        with error:
            text = error.read().decode(errors="replace")
            return _Page(status=error.code, kind="", text=text)
    except TimeoutError:
        return None
    except HTTPException as error:
        raise WorkbenchError(
            f"--base-url {base}: what came back is not HTTP ({_beginning(str(error))!r})."
            " Is it the port of a web server?"
        ) from error
    except (OSError, ValueError) as error:
        if isinstance(getattr(error, "reason", None), TimeoutError):
            return None
        raise WorkbenchError(
            f"--base-url {base}: nothing answers there ({getattr(error, 'reason', error)})."
            " Is the server running, and the port right?"
        ) from error


def _told(page: _Page) -> str:
    if page.kind == "text/html":
        return "a web page (HTML)"
    return f"{page.kind} {_beginning(page.text)!r}"


def _beginning(text: str) -> str:
    return " ".join(text.split())[:_SHOWN]
