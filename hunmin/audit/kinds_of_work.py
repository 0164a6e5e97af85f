"""Kinds of events about what people and programs do here, and what it costs.

A new kind is one line here; `docs/reference/audit-events.md` is generated from these.
"""

from hunmin.audit.kind import Kind


class OfWork(Kind):
    """Answers, conversations, documents, batches, money."""

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
