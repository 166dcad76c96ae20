"""The retry policy: which failures of the service are retried, how often, and all time limits."""

from urllib3.util import Retry

TIMEOUT_S = (5, 60)  # to connect; between two reads. A page takes a second or two
LONGEST_ANSWER_S = 180  # in total: a slow trickle of bytes never exceeds the timeout above
RETRIES = 4  # with pauses of 0, 2, 4, 8 s: enough for a restart of the service
TEMPORARY_FAULTS = (500, 502, 503, 504)
PAGE_ATTEMPTS = 3  # for a page that fails validation
MOST_FAILED_PAGES = 3  # failed pages after which a run stops: the service is at fault, not the page


def retry_policy() -> Retry:
    """Return when urllib3 sends a request again: no answer, or a temporary fault."""
    return Retry(
        total=RETRIES,
        backoff_factor=1,
        status_forcelist=TEMPORARY_FAULTS,
        raise_on_status=False,
        respect_retry_after_header=False,  # `Pace` handles the rate limit
    )
