"""The commands of the room: `hunmin documents read`, `index` and `search`."""

import dataclasses
import json
from pathlib import Path
from typing import Annotated

import typer

UrlOption = Annotated[
    str | None,
    typer.Option("--url", help="The server that makes vectors, with OpenAI's API."),
]
KeyOption = Annotated[
    str | None,
    typer.Option(
        "--key",
        envvar="OPENAI_API_KEY",
        show_envvar=True,
        help="The API key for --url. Better given by the environment.",
    ),
]

documents = typer.Typer(
    name="documents",
    help="Read documents, make collections of them, and search these.",
    no_args_is_help=True,
)


@documents.command("read")
def read_command(
    file: Annotated[
        Path, typer.Argument(help="A PDF, HWP, HWPX, DOCX, text or CSV file.", dir_okay=False)
    ],
    *,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print kind, pages and problems as JSON.")
    ] = False,
) -> None:
    """Print the text of a file: headings and tables as Markdown, page after page.

    The file is read in a process of its own that may use little memory and time, and opens no other
    file and no connection.
    """
    from hunmin.reading import read_file  # noqa: PLC0415 (no other command needs it)

    try:
        reading = read_file(file)
    except OSError as error:
        raise typer.BadParameter(f"{file}: {error.strerror}") from error
    if as_json:
        typer.echo(json.dumps(dataclasses.asdict(reading), ensure_ascii=False))
        return
    typer.echo(reading.text)
    for problem in reading.problems:
        typer.echo(f"{file}: {problem}", err=True)


@documents.command("index")
def index_command(
    sources: Annotated[Path, typer.Argument(help="The sources file, in TOML.")],
    *,
    out: Annotated[Path, typer.Option("--out", help="The collection folder to make.")],
    rights: Annotated[
        Path | None,
        typer.Option("--rights", help="JSON Lines of licenses allowed and ids withdrawn."),
    ] = None,
    vectors: Annotated[
        str | None,
        typer.Option(
            "--vectors",
            metavar="MODEL",
            help="Have this model at --url make vectors, so that meanings are compared, too.",
        ),
    ] = None,
    url: UrlOption = None,
    key: KeyOption = None,
) -> None:
    """Make a collection of the documents that a sources file names, so that it can be searched.

    Interrupted at any moment, the same command goes on where it was.
    """
    from hunmin.indexing import index  # noqa: PLC0415 (slow to load)
    from hunmin.indexing.embedding import Embedder  # noqa: PLC0415

    if (vectors is None) != (url is None):
        raise typer.BadParameter("--vectors and --url go together")
    embedder = Embedder(url, vectors, key) if vectors is not None and url is not None else None
    facts = index(sources, out, rights=rights, embedder=embedder).facts
    left_out = sum(facts["dropped"].values())
    typer.echo(
        f"{facts['documents']} documents, {facts['passages']} passages, {left_out} left out",
        err=True,
    )
    typer.echo(str(out))


@documents.command("search")
def search_command(
    folder: Annotated[
        Path, typer.Argument(metavar="COLLECTION", help="A finished collection folder.")
    ],
    question: Annotated[str, typer.Argument(help="What is asked, in words.")],
    *,
    count: Annotated[
        int, typer.Option("--count", min=1, max=100, help="Passages to show, at most.")
    ] = 5,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON Lines, one passage a line.")
    ] = False,
    url: UrlOption = None,
    key: KeyOption = None,
) -> None:
    """Print the passages of a collection that fit a question best, each with how it is cited.

    Words are compared; with --url also vectors, where the collection has any.
    """
    from hunmin.retrieval import Collection  # noqa: PLC0415 (no other command needs it)

    collection, vector = Collection(folder), None
    if url is not None and collection.vector_model is not None:
        from hunmin.indexing.embedding import Embedder  # noqa: PLC0415 (NumPy is slow to load)

        vector = Embedder(url, collection.vector_model, key).embed([question])[0].tolist()
    for found in collection.search(question, count=count, vector=vector):
        if as_json:
            typer.echo(json.dumps(dataclasses.asdict(found), ensure_ascii=False))
            continue
        page = f", {found.passage.page}" if found.passage.page else ""
        typer.echo(f"{found.passage.citation}  ({found.document.source}{page})  {found.key}")
        if found.passage.heading:
            typer.echo(f"  {found.passage.heading}")
        typer.echo("".join(f"    {line}\n" for line in found.passage.text.split("\n")))


def register(app: typer.Typer) -> None:
    """Add the room's commands to the `hunmin` program."""
    app.add_typer(documents)
