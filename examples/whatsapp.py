"""Ask people by WhatsApp whether a visit suits them: a template first, for it may be sent at any time.

Every number of the command line is asked; one that cannot be reached does not keep the others from it.

Needs CHAKRA_ACCESS_TOKEN, CHAKRA_PLUGIN_ID and CHAKRA_PHONE_NUMBER_ID (both on the WhatsApp Setup page)::

    python examples/whatsapp.py +919901258433 "+91 99012 58434"
"""

import asyncio
import sys

from chakra_async import ApiError, ChakraError, Client


async def ask(chakra: Client, phone: str) -> str:
    """Ask one person, and say what became of it."""
    try:
        message = await chakra.whatsapp.messages.send_template(
            phone, template_name="visit_tomorrow", mapping={"1": "10:30"}, language="en"
        )
    except ValueError as error:
        return f"{phone}: not sent: {error}"
    except ApiError as error:
        return f"{phone}: refused by {'WhatsApp' if error.whatsapp_code else 'Chakra'}: {error}"
    except ChakraError as error:
        return f"{phone}: not known to be sent: {error}"
    # Accepted is not delivered: webhooks tell, by this id, whether it was.
    return f"{phone}: accepted as {message.external_id}"


async def answer(chakra: Client, phone: str, message_id: str) -> None:
    """Answer a message that came by webhook, within 24 hours of it."""
    messages = chakra.whatsapp.messages
    await messages.mark_read(message_id, typing=True)
    choices = {"morning": "In the morning", "evening": "In the evening"}
    await messages.send_buttons(phone, "When shall we come?", buttons=choices, reply_to=message_id)


async def main(phones: list[str]) -> None:
    """Ask everyone at once."""
    async with Client() as chakra:
        for line in await asyncio.gather(*(ask(chakra, phone) for phone in phones)):
            print(line)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
