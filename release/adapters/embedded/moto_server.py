"""moto's web application on a free port of the loopback, without an access log."""

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import BaseWSGIServer, make_server


class _QuietHandler(MotoRequestHandler):
    """Says nothing about requests that were answered; errors are still logged."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing."""


def quiet_server() -> BaseWSGIServer:
    """Bind a server; `serve_forever` runs it.

    moto's own ThreadedMotoServer does not close its socket and takes half a second to stop.
    """
    return make_server(
        "127.0.0.1",
        0,
        DomainDispatcherApplication(create_backend_app),
        threaded=True,
        request_handler=_QuietHandler,
    )
