"""Setup: see whether WhatsApp is ready for use, and hand over the public key by which Flows encrypt.

Made for a deployment: it changes only what is not as it should be, and ends with status 1 when nothing can
be sent. With ``new NAME`` it makes a plugin, to be connected in the dashboard or as in ``connect_client.py``.

Needs CHAKRA_ACCESS_TOKEN, CHAKRA_PLUGIN_ID and CHAKRA_PHONE_NUMBER_ID, and CHAKRA_BASE_URL unless the real
service is meant::

    openssl genrsa -out private.pem 2048 && openssl rsa -in private.pem -pubout -out public.pem
    python examples/whatsapp_setup.py check public.pem
    python examples/whatsapp_setup.py new "Second line"
"""

import os
import sys
from pathlib import Path

from chakra_async.sync import Client


def check_plugin(chakra: Client, plugin_id: str) -> bool:
    """Switch the plugin on, show what is connected to it, and return whether anything can be sent."""
    plugin = chakra.whatsapp.plugins.get(plugin_id)
    if not plugin.is_active:
        chakra.whatsapp.plugins.update(plugin_id, is_active=True)
        print(f"{plugin.name} was off and is now on")
    for account in chakra.whatsapp.accounts.list(plugin_id=plugin_id):
        print(f"account {account.name}: {account.chakra_status}")
    for number in chakra.whatsapp.phone_numbers.list():
        if number.id in plugin.enabled_phone_numbers:
            score = number.quality_score.get("score", "UNKNOWN")
            print(f"{number.display_phone_number}: {number.status}, quality {score}")
    # Empty for some seconds after a number was connected.
    return bool(plugin.enabled_phone_numbers)


def set_key(chakra: Client, public_key: str) -> None:
    """Hand over the public key unless WhatsApp has it; the private one stays with whoever answers Flows."""
    found = chakra.whatsapp.flows.get_public_key()
    known = (found.business_public_key or "").strip()
    if known != public_key.strip() or found.business_public_key_signature_status != "VALID":
        chakra.whatsapp.flows.set_public_key(public_key)
        print("the key of Flows was set")


def main(command: str, text: str) -> bool:
    """Do as the command line says."""
    with Client() as chakra:
        if command == "new":
            plugin = chakra.whatsapp.plugins.create(name=text)
            print(f"{plugin.name} is plugin {plugin.id}, to be connected")
            return True
        ready = check_plugin(chakra, os.environ["CHAKRA_PLUGIN_ID"])
        set_key(chakra, Path(text).read_text(encoding="ascii"))
        print("ready" if ready else "no phone number is connected yet")
        return ready


if __name__ == "__main__":
    sys.exit(0 if main(*sys.argv[1:3]) else 1)
