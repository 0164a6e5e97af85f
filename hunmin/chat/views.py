"""What the room shows of a conversation: plain values, the same for the page, JSON and commands."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

from hunmin.chat import rules
from hunmin.chat.rules import Reason, Role, State, Verdict

AI_SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
"""How a machine is told that a text was made by a model: the IPTC's term for it."""


class Facts(BaseModel):
    """What is known about how an answer came to be."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    model: str
    model_sha256: str | None = None
    """SHA-256 of the manifest of the model; with it, its whole lineage can be found."""
    wall_ms: int | None = None
    """From the question to the last token."""
    first_token_ms: int | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    finish_reason: Literal["stop", "length"] | None = None
    """`length`: the answer ended because it may not be longer."""
    left_out: int = 0
    """Messages of the conversation that the model did not read, its context being too short."""
    looked: bool = False
    """Whether passages were looked for, in files or collections; found or not."""


class Places(BaseModel):
    """Where passages are looked for."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    file_ids: list[str] = []
    collection_ids: list[str] = []


NOWHERE = Places()


class Asked(BaseModel):
    """What a question is asked with."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    file_ids: list[str] = []
    """Files that passages are looked for in, for this question and all below it."""
    collection_ids: list[str] | None = None
    """Collections that passages are looked for in, from now on; None: as before."""


NOTHING = Asked()


class MessageFile(BaseModel):
    """A file that a question was asked with."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    id: str
    name: str


class SourceView(BaseModel):
    """A passage that was found for an answer, and given to the model where it fitted."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    number: int | None
    """By which the answer may name it, as in `[1]`; null for one that the model did not read,
    its context being too short."""
    file_id: str | None
    collection_id: str | None
    address: str
    """Where the passage is shown."""
    source: str
    """What the collection or the file is called."""
    citation: str
    page: int
    """0 where there are no pages, or the citation names it."""
    excerpt: str
    """What it begins with."""


class FeedbackView(BaseModel):
    """What the asker said of an answer."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    verdict: Verdict
    reasons: list[Reason]
    words: str
    may_train: bool
    """Whether its asker agreed that it may be used for training."""
    at: datetime


class MessageView(BaseModel):
    """One message of a conversation."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    id: str
    parent_id: str | None
    role: Role
    text: str
    state: State
    created_at: datetime
    facts: Facts | None = None
    error_code: str | None = None
    ai_generated: bool
    """True for every word of a model, as Korea's AI Basic Act asks."""
    feedback: FeedbackView | None = None
    """What its asker said of an answer, in the conversation itself and what is taken away."""
    files: list[MessageFile] = []
    """Those a question was asked with."""
    sources: list[SourceView] = []
    """The passages that were found for an answer, those the model read first."""


class ConversationSummary(BaseModel):
    """A conversation as the list shows it."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    id: str
    title: str
    created_at: datetime
    updated_at: datetime
    folder_id: str | None
    pinned: bool
    archived: bool
    model: str | None
    """Which model answers; null where the reader's preference holds, or the first."""
    excerpt: str | None = None
    """In a search: the words around what was found, where the title does not have it."""


class ConversationList(BaseModel):
    """A part of the list: what is pinned first, then the last used."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    conversations: list[ConversationSummary]
    next: str | None
    """Where the next part begins, to be sent as `after`; null where there is none."""


class FolderView(BaseModel):
    """A folder of conversations."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    id: str
    name: str
    system_prompt: str
    """What the model is told before each conversation in it."""
    created_at: datetime


class FolderList(BaseModel):
    """One's folders, in the order one gave them."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    folders: list[FolderView]


class Instructions(BaseModel):
    """How one would like to be answered: in one conversation, or wherever one says nothing else."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    system_prompt: str = ""
    """What the model is told before the conversation."""
    model: str | None = None
    """Which model answers; null leaves it open."""
    temperature: float | None = None
    """How freely the model chooses its words; null leaves it open."""


class Wishes(BaseModel):
    """How the questions of a conversation are to be answered, all that was said put together."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    system_prompt: str
    models: list[str]
    """The models to be taken, the most wished for first; one that is not served is passed over."""
    temperature: float | None


class ConversationView(BaseModel):
    """A conversation with its whole tree of messages."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    id: str
    title: str
    created_at: datetime
    updated_at: datetime
    folder_id: str | None
    pinned: bool
    archived: bool
    model: str | None
    """Which model answers; null where the reader's preference holds, or the first."""
    system_prompt: str
    """What the model is told before this conversation, after what the folder says."""
    temperature: float | None
    collection_ids: list[str]
    """The collections its questions are looked up in."""
    leaf_id: str | None
    """The last message of the branch shown."""
    messages: list[MessageView]
    """Every message of every branch, oldest first."""

    def branch(self) -> list[MessageView]:
        """Return the messages of the branch shown, from the first down."""
        messages = {message.id: message for message in self.messages}
        nodes = {
            message.id: rules.Node(message.id, message.parent_id, message.role)
            for message in self.messages
        }
        leaf_id = self.leaf_id
        if leaf_id not in nodes:
            leaf_id = rules.newest_leaf(list(nodes.values()))
        return [messages[id_] for id_ in rules.path_to(nodes, leaf_id)]


class Begun(BaseModel):
    """An answer about to be written: the first event of its stream."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    conversation: ConversationSummary
    question: MessageView
    answer: MessageView


class BegunTemporary(BaseModel):
    """An answer about to be written of which nothing is kept; the ids name nothing."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    question: MessageView
    answer: MessageView


class SharedMessage(BaseModel):
    """One message as others see it."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    role: Role
    text: str
    model: str | None
    """Which model wrote it; a question has none."""
    created_at: datetime
    sources: list[SourceView] = []
    """Those from collections that everyone may see; others are left out."""


class SharedConversation(BaseModel):
    """What others see of a conversation: one branch, without instructions."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    id: str = ""
    """By which the operator finds it, where somebody complains."""
    title: str
    messages: list[SharedMessage]


class SharePreview(BaseModel):
    """What others would see, counted."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    messages: int
    personal_data: dict[str, int]
    """How many of each kind were found: numbers and addresses that have a form; no names."""


class ShareView(BaseModel):
    """A share as its owner sees it; its address is not known any more."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    id: str
    conversation_id: str
    title: str
    messages: int
    made_at: datetime
    expires_at: datetime


class ShareTold(BaseModel):
    """A share that was just made, with its address, told once."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    share: ShareView
    address: str


class FeedbackGiven(BaseModel):
    """What somebody said of an answer, in the list of all they said."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    message_id: str
    conversation_id: str
    title: str
    """Of the conversation."""
    excerpt: str
    """How the answer begins."""
    feedback: FeedbackView
    notice: int | None
    """The number of the notice that was agreed to; null where it may not be used for training."""
    agreed_at: datetime | None


class TrainingNotice(BaseModel):
    """What one is told before one lets one's words be used for training."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    number: int
    text: str


class Exported(BaseModel):
    """What every file that is taken away says of itself."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    exported_at: datetime
    notice: str
    """That the messages of the role `assistant` were made by a model."""
    ai_source_type: str = AI_SOURCE_TYPE


class ExportedConversation(Exported):
    """One conversation, to take away."""

    format: Literal["hunmin-conversation-1"] = "hunmin-conversation-1"
    conversation: ConversationView


class ExportedHistory(Exported):
    """What stands beside one's conversations where all of them are taken away."""

    format: Literal["hunmin-history-1"] = "hunmin-history-1"
    folders: list[FolderView]
    preferences: Instructions
