"""Reading how one would like to be answered: what folders, conversations and the account say."""

from hunmin.act import Act
from hunmin.chat import folder_queries, queries, rules
from hunmin.chat.tables import PreferenceRow
from hunmin.chat.views import Instructions, Wishes


def get_preferences(act: Act) -> Instructions:
    """Return how the actor would like to be answered where a conversation says nothing else."""
    row = act.session.get(PreferenceRow, act.actor.user_id or "")
    if row is None:
        return Instructions()
    return Instructions(
        system_prompt=row.system_prompt, model=row.model, temperature=row.temperature
    )


def get_instructions(act: Act, conversation_id: str) -> Instructions:
    """Return what a conversation itself says of how it is to be answered.

    Raises:
        ConversationNotFound: There is none, or it is another's.
    """
    row = queries.conversation_row(act, conversation_id)
    return Instructions(
        system_prompt=row.system_prompt, model=row.model, temperature=row.temperature
    )


def wishes(act: Act, conversation_id: str) -> Wishes:
    """Return how the actor would like the questions of a conversation to be answered.

    What the conversation says goes before what the account prefers. Of what is to be said to the
    model everything holds: the folder's first, then the conversation's, then the account's.
    """
    folder_id = queries.conversation_row(act, conversation_id).folder_id
    in_folder = folder_queries.folder_row(act, folder_id).system_prompt if folder_id else ""
    return with_preferences(act, get_instructions(act, conversation_id), in_folder=in_folder)


def with_preferences(act: Act, own_one: Instructions, *, in_folder: str = "") -> Wishes:
    """Return what one chat says of how it is to be answered, with what the actor prefers."""
    general = get_preferences(act)
    return Wishes(
        system_prompt=rules.join_system_prompts(
            in_folder, own_one.system_prompt, general.system_prompt
        ),
        models=[name for name in (own_one.model, general.model) if name is not None],
        temperature=general.temperature if own_one.temperature is None else own_one.temperature,
    )
