"""The JSON of folders and preferences, under `/chat/api`. Thin: parse, call, answer."""

from fastapi import APIRouter
from starlette.requests import Request

from hunmin import accounts, faces
from hunmin.accounts import VisitorAct, VisitorActor
from hunmin.chat import arranging, folder_queries, models, wish_queries
from hunmin.chat.views import FolderList, FolderView, Instructions
from hunmin.chat.wire import FolderChange, FolderOrder, Id, NewFolder, Preferences

router = APIRouter(tags=["chat"], responses=faces.PROBLEM_RESPONSES)


@router.get("/chat/api/folders")
def list_folders(act: VisitorAct) -> FolderList:
    """List one's folders, in the order one gave them."""
    return folder_queries.list_folders(act)


@router.post("/chat/api/folders", status_code=201)
def create_folder(request: Request, actor: VisitorActor, body: NewFolder) -> FolderView:
    """Make a folder, the last one of the list."""
    with accounts.welcome(request, actor) as act:
        return arranging.create_folder(act, name=body.name, system_prompt=body.system_prompt)


@router.put("/chat/api/folders/order")
def order_folders(act: VisitorAct, body: FolderOrder) -> FolderList:
    """Give one's folders another order; those that are not named come after."""
    return arranging.order_folders(act, folder_ids=body.folder_ids)


@router.patch("/chat/api/folders/{folder_id}")
def change_folder(act: VisitorAct, folder_id: Id, body: FolderChange) -> FolderView:
    """Change what is named: the folder's name, or what the model is told in it."""
    folder = folder_queries.get_folder(act, folder_id)
    if "name" in body.model_fields_set:
        folder = arranging.rename_folder(act, folder_id=folder_id, name=body.name)
    if "system_prompt" in body.model_fields_set:
        folder = arranging.instruct_folder(
            act, folder_id=folder_id, system_prompt=body.system_prompt
        )
    return folder


@router.delete("/chat/api/folders/{folder_id}", status_code=204)
def delete_folder(act: VisitorAct, folder_id: Id) -> None:
    """Delete a folder. The conversations in it stay, in no folder."""
    arranging.delete_folder(act, folder_id=folder_id)


@router.get("/chat/api/preferences")
def get_preferences(act: VisitorAct) -> Instructions:
    """Return how one would like to be answered where a conversation says nothing else."""
    return wish_queries.get_preferences(act)


@router.put("/chat/api/preferences")
def set_preferences(request: Request, actor: VisitorActor, body: Preferences) -> Instructions:
    """Say how one would like to be answered where a conversation says nothing else."""
    if body.model is not None:
        models.choose_model(request.app.state.gateway, actor, body.model)
    with accounts.welcome(request, actor) as act:
        return arranging.set_preferences(
            act, instructions=Instructions.model_validate(body.model_dump())
        )
