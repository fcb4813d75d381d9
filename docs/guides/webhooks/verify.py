import base64
import hashlib
import hmac
import json
import time

TOLERANCE_SECONDS = 300


def verify_webhook(body: bytes, headers: dict[str, str], secret: str):
    """What the webhook says. Raises ValueError when it is not ours, was changed on the way, or is older than 5 minutes."""
    try:
        webhook_id, timestamp, signatures = (headers[f"webhook-{name}"] for name in ("id", "timestamp", "signature"))
    except KeyError as error:
        raise ValueError("a header of the webhook is missing") from error
    if abs(time.time() - int(timestamp)) > TOLERANCE_SECONDS:
        raise ValueError("the webhook is too old or too new")
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{webhook_id}.{timestamp}.".encode() + body
    expected = "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    if not any(hmac.compare_digest(one, expected) for one in signatures.split(" ")):
        raise ValueError("no signature of the webhook is right")
    return json.loads(body)
