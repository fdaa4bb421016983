"""moto's SNS, in which a subscription by e-mail stays unconfirmed: nobody gets a mail with a link to confirm it."""

from __future__ import annotations

from collections.abc import Iterable
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from moto.sns.models import sns_backends


def with_pending_mail(moto: WSGIApplication) -> WSGIApplication:
    """Return the WSGI application ``moto`` that marks e-mail subscriptions as pending after each call.

    It also sets the numbers of pending and confirmed subscriptions of a topic, which moto leaves at 0.
    """

    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        response = moto(environ, start_response)
        for regions in list(sns_backends.values()):
            for backend in list(regions.values()):
                subscriptions = list(backend.subscriptions.values())
                for subscription in subscriptions:
                    if subscription.protocol == "email":
                        subscription.attributes["PendingConfirmation"] = "true"
                for topic in list(backend.topics.values()):
                    of_topic = [each for each in subscriptions if each.topic.arn == topic.arn]
                    topic.subscriptions_pending = sum(each.protocol == "email" for each in of_topic)
                    topic.subscriptions_confimed = len(of_topic) - topic.subscriptions_pending
        return response

    return app
