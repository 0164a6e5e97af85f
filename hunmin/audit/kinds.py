"""Every kind of event: `room.noun.verb`, with the sentence it stands for in English and Korean.

A new kind is one line here; `docs/reference/audit-events.md` is generated from this file.
"""

from enum import StrEnum
from typing import Self


class Kind(StrEnum):
    """What can be done. Each room has its own lines."""

    en: str
    ko: str

    def __new__(cls, kind: str, en: str, ko: str) -> Self:
        """Keep the two sentences beside the kind itself."""
        member = str.__new__(cls, kind)
        member._value_ = kind
        member.en = en
        member.ko = ko
        return member

    # accounts
    USER_CREATE = "accounts.user.create", "An account was made.", "계정을 만들었습니다."
    USER_CHANGE = (
        "accounts.user.change",
        "An account was given other roles.",
        "계정의 역할을 바꿨습니다.",
    )
    USER_DISABLE = "accounts.user.disable", "An account was disabled.", "계정을 정지했습니다."
    USER_ENABLE = (
        "accounts.user.enable",
        "An account that was disabled was enabled again.",
        "정지한 계정을 다시 열었습니다.",
    )
    GUEST_CREATE = (
        "accounts.guest.create",
        "A browser without an account was given one of its own.",
        "계정이 없는 브라우저에 손님 계정을 만들었습니다.",
    )
    GUEST_FORGET = (
        "accounts.guest.forget",
        "A guest whose browser will not come back was forgotten, with what belonged to them.",
        "다시 올 수 없는 손님의 계정과 그 내용을 지웠습니다.",
    )
    LINK_CREATE = (
        "accounts.link.create",
        "A sign-in link was made.",
        "로그인 링크를 만들었습니다.",
    )
    LINK_USE = ("accounts.link.use", "A sign-in link was used.", "로그인 링크를 썼습니다.")
    SECRET_SWEEP = (
        "accounts.secret.sweep",
        "Links and sessions that ended long ago were removed.",
        "오래전에 끝난 로그인 링크와 로그인 기록을 지웠습니다.",
    )
    SESSION_OPEN = (
        "accounts.session.open",
        "A person signed in.",
        "로그인했습니다.",
    )
    SESSION_USE = (
        "accounts.session.use",
        "A session was used for the first time that day.",
        "로그인한 브라우저를 그날 처음 썼습니다.",
    )
    SESSION_PROVE = (
        "accounts.session.prove",
        "A person at a signed-in browser showed again that it is them.",
        "로그인한 브라우저에서 본인임을 다시 확인했습니다.",
    )
    SESSION_END = "accounts.session.end", "A browser was signed out.", "로그아웃했습니다."
    KEY_CREATE = "accounts.key.create", "An API key was made.", "API 키를 만들었습니다."
    KEY_USE = (
        "accounts.key.use",
        "An API key was used for the first time that day.",
        "API 키를 그날 처음 썼습니다.",
    )
    KEY_ROTATE = (
        "accounts.key.rotate",
        "An API key was made that takes the place of another.",
        "다른 API 키의 자리를 잇는 키를 만들었습니다.",
    )
    KEY_REVOKE = "accounts.key.revoke", "An API key was revoked.", "API 키를 폐기했습니다."

    # billing
    ALERT_RAISE = (
        "billing.alert.raise",
        "A budget was used up to a percentage.",
        "예산을 정해진 비율까지 썼습니다.",
    )
    ALERT_SEE = ("billing.alert.see", "Alerts of budgets were seen.", "예산 알림을 확인했습니다.")
    BUDGET_SET = (
        "billing.budget.set",
        "A budget was given to an organization, a project or an account.",
        "기관이나 프로젝트, 계정에 예산을 주었습니다.",
    )
    BUDGET_END = ("billing.budget.end", "A budget was ended.", "예산을 끝냈습니다.")
    INVOICE_ISSUE = (
        "billing.invoice.issue",
        "An invoice was issued.",
        "청구서를 발행했습니다.",
    )
    INVOICE_VOID = (
        "billing.invoice.void",
        "An invoice was declared void.",
        "청구서를 무효로 했습니다.",
    )
    PRICE_SET = (
        "billing.price.set",
        "It was said what tokens of a model cost from a day on.",
        "어느 날부터 모델의 토큰에 적용할 단가를 정했습니다.",
    )
    LIMIT_SET = (
        "billing.limit.set",
        "It was said how much a key, a project, an organization or an account may ask.",
        "키, 프로젝트, 기관, 계정이 요청할 수 있는 한도를 정했습니다.",
    )
    SLOT_SWEEP = (
        "billing.slot.sweep",
        "Counts of minutes long past were removed.",
        "오래전에 지난 1분 동안의 셈을 지웠습니다.",
    )

    # chat
    CONVERSATION_CREATE = (
        "chat.conversation.create",
        "A conversation was begun.",
        "대화를 시작했습니다.",
    )
    CONVERSATION_RENAME = (
        "chat.conversation.rename",
        "A conversation was given another title.",
        "대화의 제목을 바꿨습니다.",
    )
    CONVERSATION_DELETE = (
        "chat.conversation.delete",
        "A conversation was deleted with every message.",
        "대화와 그 메시지를 모두 지웠습니다.",
    )
    CONVERSATION_FILE = (
        "chat.conversation.file",
        "A conversation was put into a folder, or taken out.",
        "대화를 폴더에 넣거나 꺼냈습니다.",
    )
    CONVERSATION_PIN = (
        "chat.conversation.pin",
        "A conversation was pinned to the top of the list, or unpinned.",
        "대화를 목록 맨 위에 고정하거나 풀었습니다.",
    )
    CONVERSATION_ARCHIVE = (
        "chat.conversation.archive",
        "A conversation was put into the archive, or taken back.",
        "대화를 보관함에 넣거나 되돌렸습니다.",
    )
    CONVERSATION_EXPORT = (
        "chat.conversation.export",
        "A person took a conversation away as a file.",
        "대화 하나를 파일로 내려받았습니다.",
    )
    CONVERSATION_INSTRUCT = (
        "chat.conversation.instruct",
        "It was said how a conversation is to be answered.",
        "대화에 답하는 방식을 정했습니다.",
    )
    FOLDER_CREATE = "chat.folder.create", "A folder was made.", "폴더를 만들었습니다."
    FOLDER_RENAME = (
        "chat.folder.rename",
        "A folder was given another name.",
        "폴더의 이름을 바꿨습니다.",
    )
    FOLDER_INSTRUCT = (
        "chat.folder.instruct",
        "It was said how conversations of a folder are to be answered.",
        "폴더 안의 대화에 답하는 방식을 정했습니다.",
    )
    FOLDER_ORDER = (
        "chat.folder.order",
        "Folders were given another order.",
        "폴더의 순서를 바꿨습니다.",
    )
    FOLDER_DELETE = (
        "chat.folder.delete",
        "A folder was deleted; its conversations were kept.",
        "폴더를 지우고 그 안의 대화는 남겼습니다.",
    )
    PREFERENCE_SET = (
        "chat.preference.set",
        "A person said how they would like to be answered.",
        "답변받고 싶은 방식을 정했습니다.",
    )
    SHARE_MAKE = (
        "chat.share.make",
        "A copy of a conversation was put at an address that shows it.",
        "대화의 사본을 주소로 볼 수 있게 공유했습니다.",
    )
    SHARE_REVOKE = (
        "chat.share.revoke",
        "A share was ended by its owner; the copy was deleted.",
        "공유를 끝내고 사본을 지웠습니다.",
    )
    SHARE_EXPIRE = (
        "chat.share.expire",
        "A share's time was over; the copy was deleted.",
        "공유 기간이 끝나 사본을 지웠습니다.",
    )
    FEEDBACK_GIVE = (
        "chat.feedback.give",
        "An answer was rated by its asker.",
        "질문한 사람이 답변을 평가했습니다.",
    )
    FEEDBACK_DELETE = (
        "chat.feedback.delete",
        "What was said of an answer was taken back.",
        "답변에 대한 평가를 지웠습니다.",
    )
    FEEDBACK_EXPORT = (
        "chat.feedback.export",
        "Rated answers that people agreed to have used for training were exported, masked.",
        "학습에 써도 좋다고 동의한 평가를 개인정보를 가리고 내보냈습니다.",
    )
    TRAINING_CONSENT_GIVE = (
        "chat.consent.give",
        "A person agreed that what they said of answers to a question may be used for training.",
        "한 질문의 답변에 대한 평가를 학습에 써도 좋다고 동의했습니다.",
    )
    TRAINING_CONSENT_WITHDRAW = (
        "chat.consent.withdraw",
        "A consent to use feedback for training was taken back.",
        "평가를 학습에 쓰는 데 대한 동의를 철회했습니다.",
    )
    MESSAGE_SEND = "chat.message.send", "A question was sent.", "질문을 보냈습니다."
    ANSWER_BEGIN = "chat.answer.begin", "An answer was asked for.", "답변을 요청했습니다."
    ANSWER_FINISH = "chat.answer.finish", "An answer was kept.", "답변을 저장했습니다."
    ANSWER_STOP = (
        "chat.answer.stop",
        "Another server was asked to stop an answer.",
        "다른 서버에 답변을 멈추도록 요청했습니다.",
    )
    BRANCH_SHOW = "chat.branch.show", "Another branch was shown.", "다른 갈래를 보았습니다."
    HISTORY_ADOPT = (
        "chat.history.adopt",
        "A person who signed in took a guest's conversations of the same browser along.",
        "로그인하면서 같은 브라우저의 손님 대화를 가져왔습니다.",
    )
    HISTORY_EXPORT = (
        "chat.history.export",
        "A person took their conversations away as a file.",
        "자신의 대화를 파일로 내려받았습니다.",
    )
    HISTORY_DELETE = (
        "chat.history.delete",
        "A person deleted every conversation of theirs.",
        "자신의 대화를 모두 지웠습니다.",
    )

    # batches
    BATCH_FILE_BRING = (
        "batches.file.bring",
        "A program brought a file.",
        "프로그램이 파일을 올렸습니다.",
    )
    BATCH_FILE_DELETE = (
        "batches.file.delete",
        "A program's file was deleted with every word of it.",
        "프로그램의 파일과 그 글을 모두 지웠습니다.",
    )
    BATCH_CREATE = (
        "batches.batch.create",
        "A batch of requests was handed in.",
        "여러 요청을 한 배치로 맡겼습니다.",
    )
    BATCH_CANCEL = (
        "batches.batch.cancel",
        "A batch was canceled; what was answered is kept.",
        "배치를 취소했습니다. 이미 나온 답은 남습니다.",
    )
    BATCH_END = (
        "batches.batch.end",
        "A batch ended, and its answers are in a file.",
        "배치가 끝나고 답이 파일에 담겼습니다.",
    )

    # documents
    FILE_BRING = "documents.file.bring", "A file was brought.", "파일을 올렸습니다."
    FILE_READ = (
        "documents.file.read",
        "A file was read; its text was kept and the file itself was not.",
        "파일을 읽어 글만 남기고 파일은 지웠습니다.",
    )
    FILE_FAIL = (
        "documents.file.fail",
        "A file could not be read.",
        "파일을 읽을 수 없었습니다.",
    )
    FILE_USE = (
        "documents.file.use",
        "A question was asked about a file, which is part of the conversation from then on.",
        "파일을 두고 질문하여, 파일이 그 대화에 속하게 되었습니다.",
    )
    FILE_ADOPT = (
        "documents.file.adopt",
        "A person who signed in took a guest's files of the same browser along.",
        "로그인하면서 같은 브라우저의 손님 파일을 가져왔습니다.",
    )
    FILE_DELETE = (
        "documents.file.delete",
        "A file was deleted with every word of it.",
        "파일과 그 글을 모두 지웠습니다.",
    )
    COLLECTION_PUBLISH = (
        "documents.collection.publish",
        "A collection of documents was published.",
        "자료 모음을 공개했습니다.",
    )
    COLLECTION_WITHDRAW = (
        "documents.collection.withdraw",
        "A collection of documents was withdrawn.",
        "자료 모음의 공개를 끝냈습니다.",
    )

    # gateway
    REQUEST_ADMIT = "gateway.request.admit", "An answer was begun.", "답을 쓰기 시작했습니다."
    REQUEST_SETTLE = "gateway.request.settle", "An answer ended.", "답이 끝났습니다."
    REQUEST_LOSE = (
        "gateway.request.lose",
        "An answer never ended in the record: the server stopped while writing it.",
        "답이 끝난 기록이 없습니다. 쓰는 동안 서버가 멈췄습니다.",
    )

    # organizations
    ORGANIZATION_CREATE = (
        "organizations.organization.create",
        "An organization was made.",
        "기관을 만들었습니다.",
    )
    ORGANIZATION_RENAME = (
        "organizations.organization.rename",
        "An organization was given another name.",
        "기관의 이름을 바꿨습니다.",
    )
    ORGANIZATION_ARCHIVE = (
        "organizations.organization.archive",
        "An organization was archived, and its keys ended.",
        "기관을 보관하고 그 키를 모두 폐기했습니다.",
    )
    MEMBER_INVITE = (
        "organizations.member.invite",
        "An invitation into an organization was made.",
        "기관으로 초대했습니다.",
    )
    INVITATION_WITHDRAW = (
        "organizations.invitation.withdraw",
        "An invitation was withdrawn before it was used.",
        "쓰지 않은 초대를 거두었습니다.",
    )
    MEMBER_JOIN = (
        "organizations.member.join",
        "A person joined an organization.",
        "기관의 구성원이 되었습니다.",
    )
    MEMBER_CHANGE = (
        "organizations.member.change",
        "A member was given another role.",
        "구성원의 역할을 바꿨습니다.",
    )
    MEMBER_REMOVE = (
        "organizations.member.remove",
        "A member left an organization or was removed, and their keys of it ended.",
        "구성원이 기관에서 나갔거나 내보내졌고, 그 기관의 키를 폐기했습니다.",
    )
    PROJECT_CREATE = (
        "organizations.project.create",
        "A project was made.",
        "프로젝트를 만들었습니다.",
    )
    PROJECT_RENAME = (
        "organizations.project.rename",
        "A project was given another name.",
        "프로젝트의 이름을 바꿨습니다.",
    )
    PROJECT_ARCHIVE = (
        "organizations.project.archive",
        "A project was archived, and its keys ended.",
        "프로젝트를 보관하고 그 키를 모두 폐기했습니다.",
    )
    PROJECT_MEMBER_ADD = (
        "organizations.project_member.add",
        "A member was added to a project.",
        "구성원을 프로젝트에 추가했습니다.",
    )
    PROJECT_MEMBER_REMOVE = (
        "organizations.project_member.remove",
        "A member was removed from a project, and their keys of it ended.",
        "구성원을 프로젝트에서 빼고 그 프로젝트의 키를 폐기했습니다.",
    )
    SERVICE_CREATE = (
        "organizations.service.create",
        "A service account was made for the programs of a project.",
        "프로젝트의 프로그램이 쓸 서비스 계정을 만들었습니다.",
    )

    # signin
    IDENTITY_LINK = (
        "signin.identity.link",
        "An account can be opened with an OpenID provider from now on.",
        "이제부터 OpenID 제공자로 계정에 로그인할 수 있습니다.",
    )
    IDENTITY_UNLINK = (
        "signin.identity.unlink",
        "An account can no longer be opened with an OpenID provider.",
        "OpenID 제공자로 더는 계정에 로그인할 수 없습니다.",
    )
    PROVIDER_REFUSE = (
        "signin.provider.refuse",
        "What came back from an OpenID provider was not believed, and nobody was signed in.",
        "OpenID 제공자에게서 온 응답을 믿지 않아 로그인하지 않았습니다.",
    )
    CHALLENGE_SWEEP = (
        "signin.challenge.sweep",
        "Sign-ins that were begun long ago and never ended were forgotten.",
        "오래전에 시작하고 끝내지 않은 로그인을 지웠습니다.",
    )
    PASSWORD_SET = (
        "signin.password.set",
        "A password was set; every other browser was signed out.",
        "비밀번호를 정하고 다른 브라우저를 모두 로그아웃했습니다.",
    )
    PASSWORD_FAIL = (
        "signin.password.fail",
        "A wrong password was tried.",
        "틀린 비밀번호로 로그인하려 했습니다.",
    )
    SECOND_FACTOR_BEGIN = (
        "signin.second_factor.begin",
        "A second factor was shown to be set up.",
        "두 번째 인증 수단을 설정하기 시작했습니다.",
    )
    SECOND_FACTOR_SET = (
        "signin.second_factor.set",
        "A second factor was set up.",
        "두 번째 인증 수단을 설정했습니다.",
    )
    SECOND_FACTOR_REMOVE = (
        "signin.second_factor.remove",
        "A second factor was removed.",
        "두 번째 인증 수단을 지웠습니다.",
    )
    SECOND_FACTOR_FAIL = (
        "signin.second_factor.fail",
        "A wrong code was tried.",
        "틀린 코드를 입력했습니다.",
    )
    RECOVERY_MAKE = (
        "signin.recovery.make",
        "Recovery codes were made; earlier ones ended.",
        "복구 코드를 만들고 이전 코드를 없앴습니다.",
    )
    RECOVERY_USE = (
        "signin.recovery.use",
        "A recovery code was used up.",
        "복구 코드 하나를 썼습니다.",
    )
    RECOVERY_END = (
        "signin.recovery.end",
        "Recovery codes ended with the last second factor.",
        "마지막 두 번째 인증 수단과 함께 복구 코드를 없앴습니다.",
    )
    SECOND_FACTOR_ASK = (
        "signin.second_factor.ask",
        "A person showed one factor and was asked for the second.",
        "첫 번째 인증을 마치고 두 번째 인증 수단을 물었습니다.",
    )
    PASSKEY_ADD = (
        "signin.passkey.add",
        "A passkey was added to an account.",
        "계정에 패스키를 추가했습니다.",
    )
    PASSKEY_USE = (
        "signin.passkey.use",
        "A passkey was shown.",
        "패스키로 본인임을 확인했습니다.",
    )
    PASSKEY_FAIL = (
        "signin.passkey.fail",
        "What was shown as a passkey did not hold.",
        "패스키로 제시한 것이 맞지 않았습니다.",
    )
    PASSKEY_CLONE = (
        "signin.passkey.clone",
        "A passkey's count of uses went back, so somebody has a copy; it opens nothing any more.",
        "패스키의 사용 횟수가 되돌아가 복제본이 있는 것으로 보고 더는 쓸 수 없게 했습니다.",
    )
    PASSKEY_RENAME = (
        "signin.passkey.rename",
        "A passkey was given another name.",
        "패스키의 이름을 바꾸었습니다.",
    )
    PASSKEY_REMOVE = (
        "signin.passkey.remove",
        "A passkey was removed; every other browser was signed out.",
        "패스키를 지우고 다른 브라우저를 모두 로그아웃했습니다.",
    )
    PASSWORD_REHASH = (
        "signin.password.rehash",
        "The same password is kept at today's cost of guessing it.",
        "같은 비밀번호를 오늘의 기준에 맞게 다시 저장했습니다.",
    )
