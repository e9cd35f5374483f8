"""Give a lead a photo: upload a file, put its id into the lead, fetch it back.

Needs CHAKRA_ACCESS_TOKEN, and CHAKRA_BASE_URL unless the real service is meant.
"""

import asyncio
import sys
import uuid

from chakra_async import Client, Transferred


def show(step: Transferred) -> None:
    print(f"{step.done_bytes:,} of {step.total_bytes or 0:,} bytes")


async def main(lead_id: str, path: str) -> None:
    async with Client() as chakra:
        # With an id of our own the upload may be repeated after a lost answer, without a second photo.
        photo = await chakra.photos.upload(path, photo_id=str(uuid.uuid4()), on_progress=show)
        await chakra.processes.update("lead", lead_id, data={"photo": photo.id})
        copy = await chakra.photos.get(photo.id, to=f"copy of {photo.filename}")
        if copy.file is not None:
            print(f"{copy.file.path}: {copy.file.content_type}, SHA-256 {copy.file.sha256}")


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
