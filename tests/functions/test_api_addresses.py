"""From which address a request comes, by the forms of X-Forwarded-For that Google documents."""

import pytest
from starlette.datastructures import Headers

from functions.api.addresses import address_of, proxies

CLIENT, BALANCER, SUPPLIED = "198.51.100.7", "203.0.113.1", "6.6.6.6"
CONNECTION = {"client": ("169.254.1.1", 1)}


@pytest.mark.parametrize(
    ("added", "header", "address"),
    [
        ("1", CLIENT, CLIENT),  # Cloud Run
        ("1", f"{SUPPLIED},{CLIENT}", CLIENT),
        ("2", f"{CLIENT},{BALANCER}", CLIENT),  # a load balancer before it
        ("2", f"{SUPPLIED},{CLIENT},{BALANCER}", CLIENT),
        ("2", f"{SUPPLIED}, not an address, {CLIENT}, {BALANCER}", CLIENT),
        ("2", BALANCER, "169.254.1.1"),  # fewer than the proxies add: none is believed
        ("", f"{SUPPLIED},{CLIENT}", "169.254.1.1"),
    ],
)
def test_the_client_is_before_what_the_proxies_add_and_what_it_sent_itself_is_not_believed(
    added: str, header: str, address: str
) -> None:
    headers = Headers({"X-Forwarded-For": header})
    assert address_of(CONNECTION, headers, proxies({"AIA_PROXIES": added})) == address
