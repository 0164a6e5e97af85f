"""What people are told before they let their words be used for training. Pure.

A notice is never changed once somebody may have agreed to it: what is told otherwise gets the next
number, and a consent says which number it was given to.
"""

from hunmin.act import Language

TRAINING_NOTICES: dict[int, dict[Language, str]] = {
    1: {
        "en": "The question, the conversation above it, the answers to it that you rate and "
        "whether you found them good or bad may be used to train models of this service. Telephone "
        "and registration numbers, e-mail addresses and card numbers are replaced by labels first; "
        "names are not found. What a model has learned cannot be taken out of it, but you can "
        "take your consent back at any time, here or under “Your feedback”: from then on nothing "
        "of it is used for training again, and it is known which models saw it. Saying no changes "
        "nothing for you.",
        "ko": "이 질문과 그 앞의 대화, 이 질문에 대해 평가한 답변, 그리고 좋았는지 나빴는지가 이 "
        "서비스의 모델을 학습하는 데 쓰일 수 있습니다. 전화번호, 주민등록번호, 전자우편 주소, "
        "카드번호는 먼저 가립니다. 이름은 찾지 못합니다. 모델이 이미 배운 것은 빼낼 수 "
        "없지만, 동의는 여기나 ‘나의 평가’에서 언제든지 철회할 수 있습니다. 철회하면 다시는 "
        "학습에 쓰지 않으며, 어느 모델이 그것을 배웠는지 알 수 있습니다. 동의하지 않아도 아무 "
        "불이익이 없습니다.",
    },
}

TRAINING_NOTICE = max(TRAINING_NOTICES)
"""The number of the notice that is told now."""
