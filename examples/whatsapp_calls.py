"""Calls: open a phone number for them in office hours, ring somebody back, answer whoever calls.

Sound does not pass through Chakra: two parties agree on a WebRTC connection by exchanging session
descriptions (SDP). Yours come from a media server or a WebRTC library; theirs come by webhook, with the id
of the call.

Needs CHAKRA_ACCESS_TOKEN and CHAKRA_PHONE_NUMBER_ID, and CHAKRA_BASE_URL unless the real service is meant::

    python examples/whatsapp_calls.py "+91 99012 58433" < offer.sdp
"""

import asyncio
import sys

from chakra_async import Client


WEEKDAYS = ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY")
HOURS = {
    "status": "ENABLED",
    "timezone_id": "Asia/Kolkata",
    "weekly_operating_hours": [
        {"day_of_week": day, "open_time": "0930", "close_time": "1800"} for day in WEEKDAYS
    ],
}


async def open_line(chakra: Client) -> None:
    """Take calls in office hours, unless they are taken already."""
    settings = await chakra.whatsapp.calling.get_settings()
    if settings.calling.status != "ENABLED" or settings.calling.call_hours != HOURS:
        await chakra.whatsapp.calling.update_settings(status="ENABLED", call_hours=HOURS)
        print("calls are taken in office hours")


async def ring(chakra: Client, phone: str, offer: str) -> str | None:
    """Call somebody who allows it, and return the id of the call; the answer to it comes by webhook."""
    allowed = await chakra.whatsapp.calling.get_permissions(phone)
    if not allowed.can("start_call"):
        print(f"{phone} allows no calls: {allowed.permission.status}")
        return None
    call = await chakra.whatsapp.calling.connect(phone, sdp=offer, biz_opaque_callback_data="ring-back")
    print(f"{phone} is being called: {call.id}")
    return call.id


async def answer(chakra: Client, call_id: str, sdp: str | None) -> None:
    """Answer a call that came by webhook; without a session of ours, as when all are busy, turn it down."""
    calling = chakra.whatsapp.calling
    if sdp is None:
        await calling.reject(call_id)
        return
    # Connect first, then take the call: so no word of the greeting is lost.
    await calling.pre_accept(call_id, sdp=sdp)
    await calling.accept(call_id, sdp=sdp)


async def main(phone: str, offer: str, *, seconds: float = 10.0) -> None:
    """Open the line, ring somebody, and hang up after a while."""
    async with Client() as chakra:
        await open_line(chakra)
        call_id = await ring(chakra, phone, offer)
        if call_id is not None:
            await asyncio.sleep(seconds)
            await chakra.whatsapp.calling.terminate(call_id)
            print("hung up")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.stdin.read()))
