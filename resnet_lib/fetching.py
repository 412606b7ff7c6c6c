"""Downloads by torchvision, of weights and photographs, that end with one clear error where there is no network."""

import contextlib
import io
import socket
from collections.abc import Iterator
from urllib.error import URLError

#: without an answer; PyTorch's and torchvision's downloads set no limit of their own
SECONDS = 20


@contextlib.contextmanager
def fetching(without_network: str, *also: type[Exception]) -> Iterator[None]:
    """Raises ``ConnectionError`` with the words ``without_network`` where a download inside fails, by one of the usual
    errors or of those in ``also``.

    What PyTorch prints meanwhile is left out: it says where it saves to, a path of this machine.
    """
    said = io.StringIO()
    timeout = socket.getdefaulttimeout()
    try:
        socket.setdefaulttimeout(SECONDS)
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            yield
    except (URLError, TimeoutError, ConnectionError, *also) as error:
        raise ConnectionError(without_network) from error
    finally:
        socket.setdefaulttimeout(timeout)
