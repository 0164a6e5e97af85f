"""Errors of conversations: what a person writing to a model can put right."""

from hunmin.errors.base import HunminError


class ConversationNotFound(HunminError):
    """There is no such conversation, or it belongs to someone else; the answer is the same."""

    code = "conversation_not_found"
    status = 404

    def __init__(self) -> None:
        super().__init__(
            "This conversation does not exist, or it is not yours. "
            "Choose one from your list, or start a new one.",
            "대화를 찾을 수 없거나 본인의 대화가 아닙니다. "
            "목록에서 고르거나 새 대화를 시작하십시오.",
        )


class MessageNotFound(HunminError):
    """The conversation has no such message."""

    code = "message_not_found"
    status = 404

    def __init__(self) -> None:
        super().__init__(
            "The conversation has no such message. Load the conversation again.",
            "대화에 그런 메시지가 없습니다. 대화를 다시 불러오십시오.",
        )


class MessageEmpty(HunminError):
    """Nothing was written."""

    code = "message_empty"
    status = 422

    def __init__(self) -> None:
        super().__init__(
            "The message is empty. Write something and send it again.",
            "메시지가 비어 있습니다. 내용을 쓰고 다시 보내십시오.",
        )


class MessageTooLong(HunminError):
    """The message is longer than the service takes."""

    code = "message_too_long"
    status = 422

    def __init__(self, *, characters: int, characters_max: int) -> None:
        super().__init__(
            f"The message has {characters:,} characters; at most {characters_max:,} are taken. "
            "Shorten it, or send it in parts.",
            f"메시지가 {characters:,}자입니다. {characters_max:,}자까지 보낼 수 있습니다. "
            "줄이거나 나누어 보내십시오.",
        )
        self.characters = characters
        self.characters_max = characters_max


class TitleUnfit(HunminError):
    """A title is empty or too long."""

    code = "title_unfit"
    status = 422

    def __init__(self, *, characters_max: int) -> None:
        super().__init__(
            f"A title has 1 to {characters_max} characters. Write a shorter one, or keep the old.",
            f"제목은 1자에서 {characters_max}자까지입니다. 더 짧게 쓰거나 그대로 두십시오.",
        )
        self.characters_max = characters_max


class FolderNotFound(HunminError):
    """There is no such folder, or it belongs to someone else; the answer is the same."""

    code = "folder_not_found"
    status = 404

    def __init__(self) -> None:
        super().__init__(
            "This folder does not exist, or it is not yours. Load the page again and choose one.",
            "폴더를 찾을 수 없거나 본인의 폴더가 아닙니다. 페이지를 다시 불러와 고르십시오.",
        )


class TooManyFolders(HunminError):
    """The account has as many folders as an account may."""

    code = "too_many_folders"
    status = 409

    def __init__(self, *, folders_max: int) -> None:
        super().__init__(
            f"You have {folders_max} folders already. Delete one that you no longer need.",
            f"폴더가 이미 {folders_max}개입니다. 필요 없는 폴더를 지우십시오.",
        )
        self.folders_max = folders_max


class PreferenceUnfit(HunminError):
    """What is said about how to answer cannot be used."""

    code = "preference_unfit"
    status = 422

    def __init__(self, *, needed: str, needed_ko: str) -> None:
        super().__init__(
            f"{needed}. Change it and save again; nothing was saved.",
            f"{needed_ko}. 고쳐서 다시 저장하십시오. 아무것도 저장하지 않았습니다.",
        )


class SharesOff(HunminError):
    """The operator does not let conversations be shared."""

    code = "shares_off"
    status = 403

    def __init__(self) -> None:
        super().__init__(
            "Conversations cannot be shared here. Download it instead, or ask the operator.",
            "이 서비스에서는 대화를 공유할 수 없습니다. 대신 내려받거나 운영자에게 문의하십시오.",
        )


class FeedbackNotFound(HunminError):
    """The asker said nothing of this answer, or it is another's; the answer is the same."""

    code = "feedback_not_found"
    status = 404

    def __init__(self) -> None:
        super().__init__(
            "There is no feedback of yours on this answer. Load the page again.",
            "이 답변에 대한 본인의 평가가 없습니다. 페이지를 다시 불러오십시오.",
        )


class FeedbackUnfit(HunminError):
    """What is said of an answer is too long, or does not fit together."""

    code = "feedback_unfit"
    status = 422

    def __init__(self, *, needed: str, needed_ko: str) -> None:
        super().__init__(
            f"{needed}. Change it and send it once more.", f"{needed_ko}. 고쳐서 다시 보내십시오."
        )


class TrainingConsentOff(HunminError):
    """The operator does not ask whether feedback may be used for training."""

    code = "training_consent_off"
    status = 403

    def __init__(self) -> None:
        super().__init__(
            "Feedback is not used for training here. Send it without that consent.",
            "이 서비스는 평가를 학습에 쓰지 않습니다. 학습 동의 없이 보내십시오.",
        )


class NoticeOutdated(HunminError):
    """The notice that was agreed to is not the one of today."""

    code = "notice_outdated"
    status = 409

    def __init__(self) -> None:
        super().__init__(
            "The notice has changed since you read it. Load the page again and read it once more.",
            "읽으신 뒤에 안내가 바뀌었습니다. 페이지를 다시 불러와 새 안내를 읽어 주십시오.",
        )


class TemporaryOff(HunminError):
    """The operator lets nobody chat without the conversation being kept."""

    code = "temporary_off"
    status = 403

    def __init__(self) -> None:
        super().__init__(
            "Temporary chats are switched off here. "
            "Start a conversation, which you can delete afterwards.",
            "이 서비스에서는 임시 대화를 할 수 없습니다. 대화를 시작하고, 끝난 뒤에 삭제하십시오.",
        )


class ShareUnusable(HunminError):
    """No conversation is shown at this address, or none any more; the answer is the same."""

    code = "share_unusable"
    status = 404

    def __init__(self) -> None:
        super().__init__(
            "Nothing is shown at this address any more. Ask whoever gave it to you for another.",
            "이 주소로는 볼 수 있는 대화가 없습니다. 주소를 준 사람에게 다시 요청하십시오.",
        )


class ConversationFull(HunminError):
    """The conversation holds as many messages as a conversation may."""

    code = "conversation_full"
    status = 409

    def __init__(self, *, messages_max: int) -> None:
        super().__init__(
            f"This conversation has reached {messages_max:,} messages. Start a new one.",
            f"이 대화는 메시지 {messages_max:,}개에 이르렀습니다. 새 대화를 시작하십시오.",
        )
        self.messages_max = messages_max


class AnswerUnderway(HunminError):
    """An answer is being written in this conversation right now."""

    code = "answer_underway"
    status = 409

    def __init__(self) -> None:
        super().__init__(
            "An answer is being written in this conversation. Wait for its end, or stop it.",
            "이 대화에서 답변을 쓰고 있습니다. 끝나기를 기다리거나 멈추십시오.",
        )


class WrongTurn(HunminError):
    """The message named is of the wrong role for what was asked."""

    code = "wrong_turn"
    status = 422

    def __init__(self, *, needed: str, needed_ko: str) -> None:
        super().__init__(
            f"This can be done to {needed} only. Load the conversation again.",
            f"이 동작은 {needed_ko}에만 할 수 있습니다. 대화를 다시 불러오십시오.",
        )


class AnswerEnded(HunminError):
    """The answer is not being written any more; what there is of it is kept."""

    code = "answer_ended"
    status = 409

    def __init__(self) -> None:
        super().__init__(
            "This answer has ended. Load the conversation again to read it.",
            "이 답변은 이미 끝났습니다. 대화를 다시 불러와 읽으십시오.",
        )


class AnswerFailed(HunminError):
    """The model broke off for a reason that is ours; the log has it under the request's id."""

    code = "answer_failed"
    status = 500

    def __init__(self) -> None:
        super().__init__(
            "The answer broke off because of a fault in the service. Try again; "
            "if it happens again, tell the operator.",
            "서비스에 문제가 생겨 답변이 끊겼습니다. 다시 시도하고, "
            "되풀이되면 운영자에게 알리십시오.",
        )


class TraceMissing(HunminError):
    """The model carries no record of what it was made from."""

    code = "trace_missing"
    status = 404

    def __init__(self) -> None:
        super().__init__(
            "This model carries no record of what it was made from. "
            "Models that Hunmin exports have one; ask the operator about this one.",
            "이 모델에는 무엇으로 만들었는지에 관한 기록이 없습니다. "
            "훈민이 내보낸 모델에는 기록이 있습니다. 이 모델은 운영자에게 문의하십시오.",
        )


class ServerUnreachable(HunminError):
    """`hunmin chat --url` got no usable answer from the server."""

    code = "server_unreachable"
    status = 502

    def __init__(self, *, url: str, reason: str) -> None:
        super().__init__(
            f"{url} gave no answer that could be used: {reason}. "
            "Check the address and the key, and that the server runs.",
            f"{url}에서 쓸 수 있는 답을 받지 못했습니다({reason}). "
            "주소와 키, 서버가 켜져 있는지 확인하십시오.",
        )
        self.url = url
