"""The operations of the API as typed methods. Written by `make openapi`: do not change it here."""

from functions.cli.client.answering import AnsweringClient
from functions.cli.client.business import BusinessClient
from functions.cli.client.incidents import IncidentsClient
from functions.cli.client.models import ModelsClient
from functions.cli.client.replays import ReplaysClient
from functions.cli.client.system import SystemClient
from functions.cli.client.tokens import TokensClient


class Client(IncidentsClient, AnsweringClient, ModelsClient, SystemClient, BusinessClient, ReplaysClient, TokensClient):
    """Asks the API at an address; every method raises `RefusedError` where it refuses, or does not answer."""

    __slots__ = ()
