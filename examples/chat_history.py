"""Chats: print what was said with one phone number, and which chats wait for an answer.

Needs CHAKRA_ACCESS_TOKEN, and CHAKRA_BASE_URL unless the real service is meant::

    python examples/chat_history.py "+91 77012-14822"
"""

import asyncio
import sys

from chakra_async import Client


async def main(phone_number: str) -> None:
    """Print the messages, and the chats whose latest message is the customer's."""
    async with Client() as chakra:
        async for message in chakra.chats.messages_for_phone(phone_number):
            when = f"{message.timestamp:%Y-%m-%d %H:%M}" if message.timestamp else "some time"
            arrow = "<" if message.direction == "INBOUND" else ">"
            print(f"{when} {arrow} {message.text} ({message.delivery_status})")
        # Ascending, so that a chat that begins meanwhile moves no other to a page already read.
        async for chat in chakra.chats.list(order_field="createdAt", order_direction="asc"):
            if chat.status == "OPEN" and chat.latest_message_direction == "INBOUND":
                print(f"waiting: {chat.primary_contact_handle and chat.primary_contact_handle.value}")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
