"""Partners: let a client of yours connect their WhatsApp account, and have its events sent to you.

The token goes to the client's browser, where Chakra's page takes it. It is a secret: print it nowhere.

Called with the id of a plugin that is connected already, this only sets where its events go. Needs
CHAKRA_ACCESS_TOKEN, and CHAKRA_BASE_URL unless the real service is meant::

    python examples/connect_client.py https://example.com/hook [PLUGIN_ID]
"""

import sys

from chakra_async.sync import Client


def connect(chakra: Client, reference: str, name: str) -> str:
    """Return a token with which the client's browser may connect an account to a new plugin."""
    made = chakra.partner.create_connect_token(
        new_plugin_name=f"WhatsApp of {name}", client_reference_id=reference, client_name=name
    )
    return made.connect_token


def listen(chakra: Client, plugin_id: str, address: str) -> None:
    """Have the plugin's messages and their statuses sent to ``address``, unless they are already."""
    config = chakra.partner.get_plugin_config(plugin_id=plugin_id)
    if config.enable_chakra_webhook and config.chakra_webhook_url == address:
        print("nothing to do")
        return
    chakra.partner.update_plugin_config(
        plugin_id=plugin_id,
        enable_chakra_webhook=True,
        chakra_webhook_url=address,
        which_chakra_webhook_events_to_send=["message", "status"],
    )
    print(f"events of {plugin_id} go to {address}")


if __name__ == "__main__":
    with Client() as client:
        if len(sys.argv) > 2:
            listen(client, sys.argv[2], sys.argv[1])
        else:
            print(f"a token of {len(connect(client, 'client-7', 'Asha'))} characters")
