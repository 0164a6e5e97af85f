"""Errors of billing: what makes no sense as a limit, price, budget or invoice; gone budgets."""

from datetime import date

from hunmin.errors.base import HunminError
from hunmin.errors.gateway import ApiError, Holder, say_holder


class LimitUnfit(HunminError):
    """A limit is no number that a limit can be."""

    code = "limit_unfit"
    status = 422

    def __init__(self, *, limit_max: int) -> None:
        super().__init__(
            f"A limit is a whole number from 1 to {limit_max}. Correct it, or leave it empty "
            "where there is to be none.",
            f"한도는 1부터 {limit_max}까지의 정수입니다. 고치거나, 한도가 없어야 하면 비우십시오.",
        )


class PriceUnfit(HunminError):
    """A price is no number that a price can be."""

    code = "price_unfit"
    status = 422

    def __init__(self, *, won_max: int) -> None:
        super().__init__(
            f"A price is a whole number of won from 0 to {won_max} for a million tokens. "
            "Correct it.",
            f"단가는 백만 토큰에 0부터 {won_max}까지의 정수(원)입니다. 고치십시오.",
        )


class PriceInForce(HunminError):
    """A price would change what was asked for already."""

    code = "price_in_force"
    status = 409

    def __init__(self) -> None:
        super().__init__(
            "This model has a price today, and what was asked for keeps it. Set the new one from "
            "tomorrow or a later day.",
            "이 모델에는 오늘 적용되는 단가가 있고, 이미 받은 요청의 단가는 바뀌지 않습니다. "
            "새 단가는 내일이나 그 뒤부터로 정하십시오.",
        )


class BudgetUnfit(HunminError):
    """A budget is no amount that a budget can be."""

    code = "budget_unfit"
    status = 422

    def __init__(self, *, amount_max: int) -> None:
        super().__init__(
            f"A budget is a whole number from 1 to {amount_max}. Correct it.",
            f"예산은 1부터 {amount_max}까지의 정수입니다. 고치십시오.",
        )


class BudgetNotFound(HunminError):
    """There is no such budget, or it has ended."""

    code = "budget_not_found"
    status = 404

    def __init__(self) -> None:
        super().__init__(
            "There is no such budget any more. Load the page again to see those there are.",
            "그런 예산이 없습니다. 페이지를 다시 열어 지금 있는 예산을 확인하십시오.",
        )


class InvoiceNotFound(HunminError):
    """The organization has no such invoice."""

    code = "invoice_not_found"
    status = 404

    def __init__(self) -> None:
        super().__init__(
            "There is no such invoice. The page of invoices lists those there are.",
            "그런 청구서가 없습니다. 청구서 페이지에서 지금 있는 청구서를 확인하십시오.",
        )


class MonthOpen(HunminError):
    """A month was to be invoiced while answers of it may still be written."""

    code = "month_open"
    status = 409

    def __init__(self, *, closes_on: date) -> None:
        super().__init__(
            f"The month may still come to more. Issue its invoice on {closes_on} or later.",
            f"이 달의 금액이 아직 늘어날 수 있습니다. {closes_on} 이후에 청구서를 발행하십시오.",
        )


class InvoiceEmpty(HunminError):
    """A month was to be invoiced that comes to less than a won."""

    code = "invoice_empty"
    status = 409

    def __init__(self) -> None:
        super().__init__(
            "The month comes to less than a won, so there is nothing to invoice.",
            "이 달의 금액이 1원보다 적어 청구할 것이 없습니다.",
        )


class InvoiceExists(HunminError):
    """A month was to be invoiced that has an invoice."""

    code = "invoice_exists"
    status = 409

    def __init__(self) -> None:
        super().__init__(
            "The month has an invoice. Where it is wrong, declare it void, and issue another.",
            "이 달에는 청구서가 있습니다. 틀렸으면 무효로 하고 다시 발행하십시오.",
        )


class InvoiceVoid(HunminError):
    """An invoice was to be declared void that is void."""

    code = "invoice_void"
    status = 409

    def __init__(self) -> None:
        super().__init__(
            "The invoice is void already. Load the page again.",
            "이미 무효인 청구서입니다. 페이지를 다시 여십시오.",
        )


class AlertUnsent(HunminError):
    """The address for alerts does not take one."""

    code = "alert_unsent"
    status = 502

    def __init__(self, *, reason: str) -> None:
        super().__init__(
            f"The address of alerts.webhook_url did not take an alert ({reason}). It is tried "
            "again; correct the address, or what answers there.",
            f"alerts.webhook_url의 주소가 알림을 받지 않았습니다({reason}). 다시 시도합니다. "
            "주소나 그 주소에서 답하는 서비스를 고치십시오.",
        )


class InsufficientQuota(ApiError):
    """A budget is used up, or has less left than the answer may come to."""

    code = "insufficient_quota"
    status = 429
    should_retry = False
    """The official clients do not try again where they are told so."""

    def __init__(self, *, holder: Holder, again_on: date | None) -> None:
        en, ko = say_holder(holder)
        again_en = f"It is whole again on {again_on}" if again_on else "It does not come back"
        again_ko = f"{again_on}에 다시 채워집니다" if again_on else "다시 채워지지 않습니다"
        super().__init__(
            f"The budget of {en} has too little left for this request. {again_en}. Lower "
            "max_tokens, or ask whoever sets the budget for more.",
            f"{ko}의 예산이 이 요청에 모자랍니다. 예산은 {again_ko}. max_tokens를 줄이거나, "
            "예산을 정하는 사람에게 늘려 달라고 요청하십시오.",
        )
        self.holder = holder
