"""Users and config: who is in the team, with the names behind the ids.

The config is fetched once; every uuid is then looked up in it, without another call.

Needs CHAKRA_ACCESS_TOKEN, and CHAKRA_BASE_URL unless the real service is meant::

    python examples/team.py
"""

import asyncio

from chakra_async import Client, TeamConfig


def name_of(config: TeamConfig, kind: str, uuid: str) -> str:
    """Return the name of a role or a pod, or the uuid where the config tells none."""
    try:
        found = config.definition(kind, uuid)
    except LookupError:
        return uuid
    return found.name or found.short_id or uuid


async def main() -> None:
    """List the users with their roles, and the short ids of the procedures."""
    async with Client() as chakra:
        config = await chakra.config.get()
        async for user in chakra.users.list():
            roles = ", ".join(name_of(config, "roles", role) for role in user.roles) or "no role"
            print(f"{user.username}: {roles}")
        for procedure in config.definitions("procedures"):
            print(f"{procedure.short_id} is {procedure.id}")


if __name__ == "__main__":
    asyncio.run(main())
