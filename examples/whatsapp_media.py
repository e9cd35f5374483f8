"""Media: send somebody a file, and keep the files that people send.

A file that is to be sent needs a public address, which an upload gives it. What people send is fetched by the
media id, or by the address, that a webhook told; the access token is never sent to that address.

Needs CHAKRA_ACCESS_TOKEN, CHAKRA_PLUGIN_ID and CHAKRA_PHONE_NUMBER_ID, and CHAKRA_BASE_URL unless the real
service is meant::

    python examples/whatsapp_media.py send "+91 99012 58433" offer.pdf
    python examples/whatsapp_media.py keep 1187032869301123 invoice.pdf
    python examples/whatsapp_media.py keep "https://lookaside.fbsbx.com/…?mid=1187032869301123&…" invoice.pdf
"""

import asyncio
import sys
from pathlib import Path

from chakra_async import Client, Transferred


def show(step: Transferred) -> None:
    """Say how far a transfer has got."""
    print(f"{step.done_bytes:,} of {step.total_bytes or 0:,} bytes")


async def send(chakra: Client, phone: str, path: str) -> None:
    """Upload a document and send it."""
    media = await chakra.whatsapp.media.upload_public(path, on_progress=show)
    # WhatsApp fetches it from there, as could anybody who knows the address.
    sent = await chakra.whatsapp.messages.send_media(
        phone, "document", media.public_media_url, filename=Path(path).name
    )
    print(f"accepted as {sent.whatsapp_message_id}")


async def keep(chakra: Client, told: str, path: str) -> None:
    """Store a file that somebody sent. A download that breaks goes on where it broke."""
    if told.startswith("https://"):
        kept = await chakra.whatsapp.media.attachment(told, to=path, on_progress=show)
    else:
        info = await chakra.whatsapp.media.get(told)
        print(f"{info.mime_type}, {info.file_size or 0:,} bytes")
        kept = await chakra.whatsapp.media.show(told, to=path, sha256=info.sha256, on_progress=show)
    print(f"{kept.path}: {kept.content_type}, SHA-256 {kept.sha256}")


async def main(command: str, first: str, path: str) -> None:
    """Do as the command line says."""
    async with Client() as chakra:
        await (send if command == "send" else keep)(chakra, first, path)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:4]))
