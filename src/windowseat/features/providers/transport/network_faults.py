"""What a failure of the network means: from httpx2's errors to one fault with a stable code.

The words are ours: an error's own text may hold an address, and that a key.

Not here: what a provider says when it does answer (`faults`).
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator

import httpx2

from windowseat.core.errors import ProviderFault
from windowseat.features.providers.transport.channel import NotHttp

_OUT_OF_TIME = (9, 10)
"""X509_V_ERR_CERT_NOT_YET_VALID and …_HAS_EXPIRED, https://docs.openssl.org/master/man3/X509_STORE_CTX_get_error/"""


def network_fault(error: httpx2.TransportError, *, provider: str, silence: float) -> ProviderFault:
    """The fault for a request to `provider`, which was allowed `silence` seconds without a byte."""
    code, says, hint = _told(error, list(_chain(error)), silence)
    return ProviderFault(code, f"{provider} {says}", hint=hint)


def _told(error: httpx2.TransportError, chain: list[BaseException], silence: float) -> tuple[str, str, str]:
    for cause in chain:
        if told := _of_cause(cause):
            return told
    if isinstance(error, httpx2.ConnectTimeout):
        return (
            "provider_timeout",
            "could not be reached in time.",
            "Check the network and the connection's address.",
        )
    if isinstance(error, httpx2.TimeoutException):
        return (
            "provider_silent",
            f"sent nothing for {silence:g} s.",
            "Try again; where a model may think longer in silence, raise that limit for it.",
        )
    if isinstance(error, httpx2.ConnectError | httpx2.ProxyError | httpx2.UnsupportedProtocol):
        return (
            "provider_unreachable",
            "cannot be reached.",
            "Check that it runs and that its address is right.",
        )
    if isinstance(error, NotHttp):
        return (
            "provider_wrong_type",
            "answered in something that is no HTTP.",
            "Check the connection's address.",
        )
    if isinstance(error, httpx2.LocalProtocolError):
        return (
            "provider_refused",
            "was not asked, because a header of this connection cannot be sent.",
            "Look for a stray character in the key and the headers.",
        )
    return "provider_cut", "closed the connection before its answer was complete.", "Try again."


def _of_cause(cause: BaseException) -> tuple[str, str, str] | None:
    if isinstance(cause, ssl.SSLCertVerificationError) and cause.verify_code in _OUT_OF_TIME:
        return (
            "provider_clock",
            f"has a certificate that does not hold at this machine's time: {cause.verify_message}.",
            "Check this machine's date and time; where they are right, the certificate has run out.",
        )
    if isinstance(cause, ssl.SSLCertVerificationError):
        return (
            "provider_certificate",
            f"has a certificate that this machine does not trust: {cause.verify_message}.",
            "Check the address; for an authority of your own, name its file for this connection.",
        )
    if isinstance(cause, ssl.SSLError):
        return (
            "provider_certificate",
            f"could not be spoken to over TLS ({cause.reason or 'no reason given'}).",
            "Check whether the address begins with http or https.",
        )
    if isinstance(cause, socket.gaierror):
        return (
            "provider_unreachable",
            "is a name that was not found.",
            "Check the address and the network.",
        )
    return None


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """The error and what it came from."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
