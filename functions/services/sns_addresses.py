"""Addresses of Amazon SNS, at which nobody else can answer."""

import re
from urllib.parse import urlsplit

_HOST = re.compile(r"sns\.[a-z]{2}(?:-[a-z]{2,12}){1,3}-[0-9]{1,2}\.amazonaws\.com(?:\.cn)?")
"""`sns.s3-us-west-2.amazonaws.com` would be a bucket that anybody may have."""


def is_of_sns(url: str) -> bool:
    """Whether an address is one of SNS, which nobody else can answer at.

    >>> is_of_sns("https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription")
    True
    >>> is_of_sns("https://sns.s3-us-west-2.amazonaws.com/a.pem"), is_of_sns("https://sns.eu-west-1.amazonaws.com@x.example/a.pem")
    (False, False)
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme == "https" and _HOST.fullmatch(parts.netloc) is not None and url.isascii() and url.isprintable()
