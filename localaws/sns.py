"""moto's SNS, in which a subscription by e-mail stays unconfirmed: nobody gets a mail with a link to confirm it."""

from __future__ import annotations

from collections.abc import Iterable
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from moto.sns.models import sns_backends


def with_pending_mail(moto: WSGIApplication) -> WSGIApplication:
    """Return the WSGI application ``moto`` that marks e-mail subscriptions as pending after each call."""

    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        response = moto(environ, start_response)
        for regions in list(sns_backends.values()):
            for backend in list(regions.values()):
                for subscription in list(backend.subscriptions.values()):
                    if subscription.protocol == "email":
                        subscription.attributes["PendingConfirmation"] = "true"
        return response

    return app
